import { defineConsumer, defineService } from '@tenon/core'
import { event } from '@tenon/core/contract'
import { type Disposition, drainingError, markShutdown, ServiceError, type Transport } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, test } from 'vitest'
import type { QueueDriver } from '../queue-driver.ts'
import { connected, embeddedDrivers } from '../queue-driver.test-harness.ts'
import { countdown, deadLetters, firstSeen, messages, seeded, start, topic } from '../queue-transport.test-harness.ts'
import { queueTransport } from '../queue-transport.ts'

const dispositions: readonly Disposition[] = ['retry', 'wait', 'skip', 'dead_letter']
const never = new AbortController().signal

describe.each(dispositions)('%s said of unavailable', (unavailable) => {
  const failures = { unavailable, cancelled: unavailable }

  test.each([
    ['refused', drainingError],
    ['cut', () => new ServiceError('unavailable', 'the service is shutting down')],
  ])('does not concern a message that the service itself has %s, which comes again', async (_how, error) => {
    const broker = await seeded(messages(2))
    const failed = countdown(2)
    const handle = async () => {
      failed.tick()
      throw markShutdown(error())
    }
    const { server } = await start(broker, handle, { delivery: { failures }, commitIntervalMs: 0 })
    await failed.reached
    await server.drain(never)
    await server.close()
    expect(await firstSeen(broker)).toBe(0)
    expect(broker.records(deadLetters)).toEqual([])
  })

  test.each(['unavailable', 'cancelled'] as const)(
    'does not concern a message that fails as %s while its partition is given up',
    async (code) => {
      const broker = await seeded(messages(1))
      const [running, release] = [countdown(1), Promise.withResolvers<void>()]
      const handle = async () => {
        running.tick()
        await release.promise
        throw new ServiceError(code, 'the database is gone')
      }
      const { server } = await start(broker, handle, { delivery: { failures }, commitIntervalMs: 0 })
      await running.reached
      const drained = server.drain(never)
      await Promise.resolve()
      release.resolve()
      await drained
      await server.close()
      expect(await firstSeen(broker)).toBe(0)
      expect(broker.records(deadLetters)).toEqual([])
    },
  )

  describe.each(embeddedDrivers)('on %s', (_name, newBroker) => {
    test('does not concern a message that a drain cuts', async () => {
      const newDriver = newBroker()
      const running = Promise.withResolvers<void>()
      const service = serviceOn(newDriver(), { failures, handle: () => running.resolve(), shutdownTimeoutMs: 0 })
      const started = await service.start({ environment })
      const other = await connected(newDriver())
      await produce(other, 1)
      await running.promise
      await started.stop()
      expect(await leftIn(other)).toEqual({ committedCount: 0, buriedCount: 0 })
    })

    test('does not concern messages of a service that fails to start', async () => {
      const newDriver = newBroker()
      const other = await connected(newDriver())
      await other.ensureTopics([{ topic, partitionCount: 1 }])
      await produce(other, 50)
      const running = Promise.withResolvers<void>()
      const broken = brokenTransport(running.promise)
      const handle = () => running.resolve()
      const service = serviceOn(newDriver(), { failures, handle, others: [broken] })
      await expect(service.start({ environment })).rejects.toThrow('port in use')
      expect(await leftIn(other)).toEqual({ committedCount: 0, buriedCount: 0 })
    })
  })
})

const environment = { LOG_LEVEL: 'silent' }
const Order = Type.Object({ orderId: Type.String() })
const placed = event(topic, { key: 'orderId', payload: Order })

interface Given {
  readonly failures: { readonly unavailable: Disposition }
  /** Told of each message that begins. None ends. */
  handle(): void
  readonly shutdownTimeoutMs?: number
  readonly others?: readonly Transport[]
}

function serviceOn(driver: QueueDriver, { failures, handle, shutdownTimeoutMs = 5_000, others = [] }: Given) {
  const hanging = () => {
    handle()
    return new Promise<void>(() => undefined)
  }
  return defineService({
    name: 'user',
    version: '1.0.0',
    admin: false,
    shutdownTimeoutMs,
    handlers: [defineConsumer(placed, () => hanging, { failures })],
    transports: () => [queueTransport({ driver, commitIntervalMs: 0 }), ...others],
  })
}

/** Cannot listen, once a message runs. */
function brokenTransport(running: Promise<void>): Transport {
  const listen = async () => {
    await running
    throw new Error('port in use')
  }
  const end = async () => undefined
  return {
    name: 'broken',
    carries: () => false,
    bind: () => ({ listen, withdraw: () => undefined, drain: end, close: end }),
  }
}

function produce(driver: QueueDriver, count: number): Promise<void> {
  const records = messages(count).map((record, index) => ({ ...record, key: Buffer.from(`${index}`), partition: 0 }))
  return driver.produce(records, { timeoutMs: 5_000 })
}

async function leftIn(driver: QueueDriver) {
  const [progress] = await driver.describe(topic, 'user')
  const letters = await driver.describe(deadLetters, 'user').catch(() => [])
  return {
    committedCount: progress?.committedOffset ?? 0,
    buriedCount: letters.reduce((sum, { nextOffset }) => sum + nextOffset, 0),
  }
}
