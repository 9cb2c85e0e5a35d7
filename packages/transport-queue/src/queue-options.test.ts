import { ConfigError, type RetryOptions } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import { queueDriver } from './driver/choose-driver.ts'
import { resolveKafkajs } from './driver/kafkajs/kafkajs-options.ts'
import { memoryDriver } from './driver/memory/memory-driver.ts'
import { queueDefaults, type QueueOptions, resolveQueue } from './queue-options.ts'

describe('resolveQueue', () => {
  it('fills in the defaults, also within retry', () => {
    const settings = resolveQueue({ driver: memoryDriver(), retry: { maxAttemptCount: 2 } })
    expect(settings).toMatchObject({ ...queueDefaults, retry: { ...queueDefaults.retry, maxAttemptCount: 2 } })
  })

  it('takes what is undefined for left out', () => {
    const nothing = { retry: { maxDelayMs: undefined }, concurrency: undefined, clock: undefined } as object
    expect(resolveQueue({ driver: memoryDriver(), ...nothing })).toEqual(resolveQueue({ driver: memoryDriver() }))
  })

  it('lists everything that is out of range', () => {
    const resolve = () =>
      resolveQueue({
        driver: memoryDriver(),
        retry: { maxAttemptCount: 0 },
        requestTimeoutMs: Number.NaN,
        partitionCount: 0,
      })
    expect(resolve).toThrow(ConfigError)
    expect(resolve).toThrow(/maxAttemptCount[^]*partitionCount[^]*requestTimeoutMs/)
  })

  it('refuses a first wait between tries that is longer than the longest', () => {
    const resolve = (retry: RetryOptions) => () => resolveQueue({ driver: memoryDriver(), retry })
    const words = 'retry.initialDelayMs, 60000, exceeds retry.maxDelayMs, 30000'
    expect(resolve({ initialDelayMs: 60_000, maxDelayMs: 30_000 })).toThrow(words)
    expect(resolve({ initialDelayMs: 60_000, maxDelayMs: 60_000 })).not.toThrow()
    for (const one of [{ maxDelayMs: 10 }, { initialDelayMs: 60_000 }]) expect(resolve(one)).not.toThrow()
  })

  it('leaves it to each consumer when it stands still, unless it is told a time in its range', () => {
    const resolve = (stallAfterMs?: number) =>
      resolveQueue({ driver: memoryDriver(), ...(stallAfterMs && { stallAfterMs }) })
    expect(resolve()).toMatchObject({ stallAfterMs: undefined })
    expect(resolve(604_800_000)).toMatchObject({ stallAfterMs: 604_800_000 })
    const words = 'stallAfterMs must be a whole number from 1000 to 604800000, found'
    for (const wrong of [999, 604_800_001, 1_000.5]) expect(() => resolve(wrong)).toThrow(`${words} ${wrong}`)
  })

  it('refuses what is no option, with the one that is probably meant', () => {
    const strays: object = { driver: memoryDriver(), retries: {}, retry: { initialDelay: 3 }, joinTimeoutMs: -1 }
    expect(() => resolveQueue(strays as QueueOptions)).toThrow(
      /"retries" is no option, perhaps retry is meant[^]*retry: "initialDelay" is no option, perhaps initialDelayMs[^]*joinTimeoutMs/,
    )
  })

  it('refuses an order that there is not, and to halt keys without one', () => {
    const resolve = (retry: object) => () => resolveQueue({ driver: memoryDriver(), retry })
    expect(resolve({ order: 'global' })).toThrow('retry.order must be one of key, partition, none, found "global"')
    expect(resolve({ onExhausted: 'halt' })).toThrow(
      'retry.onExhausted must be one of continue, halt-key, found "halt"',
    )
    const words = 'retry: onExhausted "halt-key" needs order "key" or "partition", found "none"'
    expect(resolve({ order: 'none', onExhausted: 'halt-key' })).toThrow(words)
    expect(resolve({ order: 'partition', onExhausted: 'halt-key' })).not.toThrow()
  })

  it('refuses options, a driver and a retry of another kind', () => {
    for (const [wrong, told] of [
      [undefined, 'the options must be an object with driver'],
      [{}, 'driver must be a driver such as queueDriver({ brokers }), found nothing'],
      [{ driver: 'kafka:9092' }, 'found "kafka:9092"'],
      [{ driver: memoryDriver(), retry: 3 }, 'retry must be an object, found 3'],
    ] as const) {
      expect(() => resolveQueue(wrong as unknown as QueueOptions)).toThrow(told)
    }
  })
})

describe('resolveKafkajs', () => {
  it('asks for brokers as host:port', () => {
    expect(() => resolveKafkajs({ brokers: [] })).toThrow('brokers is empty')
    expect(() => resolveKafkajs({ brokers: ['kafka', 'http://kafka:9092'] })).toThrow(/found "kafka"[^]*found "http/)
    expect(resolveKafkajs({ brokers: ['kafka-1:9092', '10.0.0.1:9092'] }).brokers).toHaveLength(2)
  })

  it('asks for a heartbeat that fits the session', () => {
    expect(resolveKafkajs({ brokers: ['k:1'], sessionTimeoutMs: 6_000 }).heartbeatIntervalMs).toBe(600)
    expect(() => resolveKafkajs({ brokers: ['k:1'], sessionTimeoutMs: 6_000, heartbeatIntervalMs: 3_000 })).toThrow(
      'heartbeatIntervalMs',
    )
  })
})

describe('queueDriver', () => {
  it('takes the memory broker where no brokers are named, and Kafka where they are', () => {
    expect(queueDriver({}).name).toBe('memory')
    expect(queueDriver({ brokers: [] }).name).toBe('memory')
    expect(queueDriver({ brokers: ['kafka:9092'] })).toMatchObject({ name: 'kafkajs', target: 'Kafka at kafka:9092' })
  })
})
