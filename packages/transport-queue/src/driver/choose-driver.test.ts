import { ConfigError } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import { queueTransport } from '../queue-transport.ts'
import { queueDriver, type QueueDriverOptions } from './choose-driver.ts'

describe('queueDriver', () => {
  it.each([
    [{}, 'memory'],
    [{ brokers: [] }, 'memory'],
    [{ path: undefined, client: undefined }, 'memory'],
    [{ brokers: [], path: '.data/queue.db' }, 'sqlite'],
    [{ brokers: ['kafka:9092'], path: '.data/queue.db' }, 'kafkajs'],
    [{ brokers: ['kafka:9092'], client: 'kafkajs' }, 'kafkajs'],
    [{ brokers: ['kafka:9092'], client: 'platformatic' }, 'platformatic'],
    [{ client: 'platformatic' }, 'memory'],
  ] as const)('makes of %o the %s driver', (options, name) => {
    expect(queueDriver(options).name).toBe(name)
  })

  it('tells the brokers that a transport connects to', () => {
    const connectsTo = (options: QueueDriverOptions) => queueTransport({ driver: queueDriver(options) }).connectsTo
    for (const client of ['kafkajs', 'platformatic'] as const)
      expect(connectsTo({ brokers: ['kafka:9092'], client })).toEqual(['kafka:9092'])
    expect(connectsTo({})).toBeUndefined()
  })

  it('hands TLS and SASL to both Kafka drivers, which check them', () => {
    for (const client of ['kafkajs', 'platformatic'] as const) {
      const sasl: object = { mechanism: 'plain', username: '', password: 'hush' }
      const options = { brokers: ['kafka:9092'], client, tls: { ca: 'no pem' }, sasl } as unknown as QueueDriverOptions
      expect(() => queueDriver(options)).toThrow(/tls\.ca must be a PEM text[^]*sasl\.username must be a text/)
    }
  })

  it('refuses another client and what is no option', () => {
    const wrong: object = { client: 'librdkafka', broker: ['kafka:9092'] }
    expect(() => queueDriver(wrong)).toThrow(ConfigError)
    expect(() => queueDriver(wrong)).toThrow(
      /"broker" is no option, perhaps brokers[^]*client must be one of kafkajs, plat/,
    )
  })
})
