import { expect, test } from 'vitest'
import { jsonType, ndjsonType, rawType, requireType } from './media-type.ts'

const refused = (message: string, details: object) =>
  expect.objectContaining({ code: 'invalid_argument', reason: 'unsupported_media_type', message, details })

test('JSON may say that it is UTF-8, and nothing else', () => {
  for (const parameters of ['', ';charset=utf-8', '; Charset="UTF-8"', '; charset=utf8', '; v=1', ';'])
    expect(() => requireType({ 'content-type': `application/json${parameters}` }, jsonType)).not.toThrow()
  for (const charset of ['latin1', 'utf-16', 'us-ascii', ''])
    expect(() => requireType({ 'content-type': `application/json; v=1; charset=${charset}` }, jsonType)).toThrow(
      refused(`the body must be UTF-8, found charset ${charset}`, { accept: 'application/json' }),
    )
  expect(() => requireType({ 'content-type': 'application/x-ndjson; charset=latin1' }, ndjsonType)).toThrow(
    refused('the body must be UTF-8, found charset latin1', { accept: 'application/x-ndjson' }),
  )
})

test('the charset of bytes is not ours to read', () => {
  expect(() => requireType({ 'content-type': 'text/csv; charset=latin1' }, rawType('text/csv'))).not.toThrow()
  expect(() => requireType({ 'content-type': 'text/csvx' }, rawType('text/csv'))).toThrow(
    refused('the body must be text/csv, found text/csvx', { accept: 'text/csv' }),
  )
  expect(() => requireType({}, rawType('text/csv'))).toThrow(
    refused('the body must be text/csv, found no content-type', { accept: 'text/csv' }),
  )
})

test('a body is not encoded', () => {
  const headers = { 'content-type': 'application/json' }
  for (const encoding of ['identity', 'Identity'])
    expect(() => requireType({ ...headers, 'content-encoding': encoding }, jsonType)).not.toThrow()
  for (const encoding of ['gzip', 'identity, gzip', ''])
    expect(() => requireType({ ...headers, 'content-encoding': encoding }, jsonType)).toThrow(
      refused(`the body must not be encoded, found content-encoding ${encoding}`, { acceptEncoding: 'identity' }),
    )
})
