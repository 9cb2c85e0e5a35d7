import { expect, it } from 'vitest'
import { byteCountOf } from './record-size.ts'

const bytes = (length: number) => new Uint8Array(length)

it('counts key, value and headers, in bytes and not in letters', () => {
  expect(byteCountOf({ topic: 't', key: bytes(2), value: bytes(30), headers: [['é', bytes(4)]] })).toBe(38)
  expect(byteCountOf({ topic: 't', key: null, value: null, headers: [] })).toBe(0)
})
