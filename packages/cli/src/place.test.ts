import { describe, expect, it } from 'vitest'
import { placesOf } from './place.ts'

describe('placesOf', () => {
  it.each([
    ['db:5432', [{ host: 'db', port: 5432 }]],
    [
      'static:///Kafka:9092, [fd00::1]:9093',
      [
        { host: 'kafka', port: 9092 },
        { host: 'fd00::1', port: 9093 },
      ],
    ],
    ['static:///unix:/tmp/a.sock', []],
    ['consul:///user', []],
    ['fd00::1:5432', []],
    ['', []],
  ])('%s', (address, places) => {
    expect(placesOf(address)).toEqual(places)
  })
})
