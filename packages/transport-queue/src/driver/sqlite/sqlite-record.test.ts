import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RecordHeader } from '../../queue-driver.ts'
import { readHeaders, writeHeaders } from './sqlite-record.ts'

describe('headers in a blob', () => {
  it('come back as they were, with repeated and empty names and any bytes', () => {
    const name = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('é', '榫', '🔥', '\0'))
    const header = fc.tuple(name, fc.uint8Array({ maxLength: 8 }))
    fc.assert(
      fc.property(fc.array(header, { maxLength: 4 }), (headers) => {
        expect(shown(readHeaders(writeHeaders(headers)))).toBe(shown(headers))
      }),
    )
  })
})

function shown(headers: readonly RecordHeader[]): string {
  return JSON.stringify(headers.map(([name, value]) => [name, [...value]]))
}
