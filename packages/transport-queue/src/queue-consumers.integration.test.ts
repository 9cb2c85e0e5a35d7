import { describe, expect, it } from 'vitest'
import { brokerAbsence, KafkaBroker } from './driver/kafka/kafka-broker.test-harness.ts'
import { kafkajsDriver } from './driver/kafkajs/kafkajs-driver.ts'
import { memoryBroker } from './driver/memory/memory-broker.ts'
import { platformaticDriver } from './driver/platformatic/platformatic-driver.ts'
import type { QueueDriver } from './queue-driver.ts'
import { connected, send } from './queue-driver.test-harness.ts'
import { countdown, start, topic } from './queue-transport.test-harness.ts'
import { systemClock } from './wait.ts'

const reason = brokerAbsence === undefined ? '' : ` (skipped: ${brokerAbsence})`
const times = { sessionTimeoutMs: 6_000, heartbeatIntervalMs: 300 }
const drivers: readonly (readonly [string, (brokers: readonly string[]) => QueueDriver])[] = [
  ['kafkajs', (brokers) => kafkajsDriver({ brokers, ...times })],
  ['@platformatic/kafka', (brokers) => platformaticDriver({ brokers, ...times })],
]

describe.skipIf(reason !== '').each(drivers)(`consumers() over %s${reason}`, (_name, newDriver) => {
  it('tell state, lag and age, and keep the last known lag while the broker is away', async () => {
    await using broker = await KafkaBroker.start()
    const brokers = [broker.address('plain')]
    const sender = await connected(newDriver(brokers))
    await sender.ensureTopics([{ topic, partitionCount: 2 }])
    const now = Date.now()
    const clock = { ...systemClock, now: () => now }
    const [held, running] = [Promise.withResolvers<void>(), countdown(2)]
    const handle = async () => {
      running.tick()
      await held.promise
    }
    const { transport } = await start(memoryBroker(), handle, {
      driver: newDriver(brokers),
      clock,
      joinTimeoutMs: 30_000,
    })
    const idle = { state: 'assigned', partitions: [0, 1], failure: undefined, lagCount: 0, oldestAgeMs: undefined }
    expect(await transport.consumers()).toMatchObject([{ ...idle, isLagCurrent: true, lagReadAt: now }])

    await send(sender, { topic, partition: 0, count: 0, timestampAt: now - 30_000 })
    await send(sender, { topic, partition: 1, count: 1, timestampAt: now - 60_000 })
    await running.reached
    const busy = { lagCount: 2, oldestAgeMs: 60_000 }
    expect(await transport.consumers()).toMatchObject([{ ...busy, state: 'assigned', isLagCurrent: true }])

    await broker.stop('SIGKILL')
    expect(await transport.consumers()).toMatchObject([{ lagCount: 2, lagReadAt: now, isLagCurrent: false }])
    await broker.launch()
    await expect
      .poll(() => transport.consumers(), { timeout: 40_000 })
      .toMatchObject([{ state: 'assigned', isLagCurrent: true }])
    held.resolve()
    await expect.poll(() => transport.consumers(), { timeout: 40_000 }).toMatchObject([idle])
  }, 150_000)
})
