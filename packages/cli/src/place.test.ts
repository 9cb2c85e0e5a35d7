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
    ['dns:///User.shop:50051', [{ host: 'user.shop', port: 50_051 }]],
    ['dns://10.0.0.10:8600/user:50051', [{ host: 'user', port: 50_051 }]],
    ['https://gateway/base', [{ host: 'gateway', port: 443 }]],
    ['http://gateway', [{ host: 'gateway', port: 80 }]],
    ['http://[fd00::1]:3000', [{ host: 'fd00::1', port: 3_000 }]],
    ['static:///unix:/tmp/a.sock', []],
    ['local', []],
    ['consul:///user', []],
    ['fd00::1:5432', []],
    ['', []],
  ])('%s', (address, places) => {
    expect(placesOf(address)).toEqual(places)
  })
})
