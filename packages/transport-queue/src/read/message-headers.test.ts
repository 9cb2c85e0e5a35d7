import { expect, test } from 'vitest'
import { RecordHeaders } from './message-headers.ts'

const headersOf = (...headers: readonly (readonly [string, string])[]) =>
  new RecordHeaders(headers.map(([name, text]) => [name, new TextEncoder().encode(text)]))

test('a header is found in whichever case, and the last of repeated ones counts', () => {
  const headers = headersOf(['CE_Type', 'one'], ['x-type', 'other'], ['ce_type', 'two'], ['Content-Type', 'three'])
  expect([headers.text('ce_type'), headers.text('content-type')]).toEqual(['two', 'three'])
  expect([headers.text('ce_id'), headersOf().text('ce_id')]).toEqual([undefined, undefined])
})

test('all of them are metadata, with names in lower case', () => {
  const headers = headersOf(['CE_Type', 'one'], ['ce_type', 'zwölf'], ['X-Tenant', ''])
  expect(headers.metadata).toEqual({ ce_type: 'zwölf', 'x-tenant': '' })
  expect(headers.metadata).toBe(headers.metadata)
})

test('a name that objects have themselves is a name as any other', () => {
  expect(headersOf().text('__proto__')).toBeUndefined()
  expect(Object.entries(headersOf(['__proto__', 'text']).metadata)).toEqual([['__proto__', 'text']])
})
