import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byteCountOf, readHeaders, writeHeaders } from './sqlite-record.ts'

describe('headers in a blob', () => {
  it('come back as they were, with repeated and empty names and any bytes', () => {
    const header = fc.tuple(fc.string({ unit: 'binary', maxLength: 8 }), fc.uint8Array({ maxLength: 8 }))
    fc.assert(
      fc.property(fc.array(header, { maxLength: 4 }), (headers) => {
        const read = readHeaders(writeHeaders(headers))
        expect(read.map(([name, value]) => [name, [...value]])).toEqual(
          headers.map(([name, value]) => [name, [...value]]),
        )
      }),
    )
  })

  it('count with key and value', () => {
    const bytes = (length: number) => new Uint8Array(length)
    expect(byteCountOf({ topic: 't', key: bytes(2), value: bytes(30), headers: [['é', bytes(4)]] })).toBe(38)
    expect(byteCountOf({ topic: 't', key: null, value: null, headers: [] })).toBe(0)
  })
})
