import { ServiceError } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import { connected, embeddedDrivers, type NewBroker, warnings } from '../../queue-driver.test-harness.ts'
import type { QueueDriver } from '../../queue-driver.ts'
import { countdown } from '../../queue-transport.test-harness.ts'
import { consume, type Handle, send, topic, untilParked } from './retry.test-harness.ts'

const retryTopic = `${topic}.retry.user`
const retry = { initialDelayMs: 3_600_000, maxDelayMs: 3_600_000 }

describe.each(embeddedDrivers)('what retention takes of a retry topic on %s', (_name, newBroker: NewBroker) => {
  it.each(['key', 'partition'] as const)('is not waited for, in the order of a %s', async (order) => {
    const newDriver = newBroker()
    const first = await connected(newDriver())
    await setAside(first)
    const second = forgetful(await connected(newDriver()))
    const seen: number[] = []
    const done = countdown(2)
    const handle: Handle = async ({ count }) => {
      seen.push(count)
      done.tick()
    }
    const { log, told } = warnings()
    const { transport } = await consume(second, handle, { retry, log, delivery: { retry: { order } } })
    await send(second, ['poison', 'free'], 62)
    await done.reached
    await untilParked(transport, 0)
    expect(seen.toSorted((one, other) => one - other)).toEqual([62, 63])
    expect(told).toContain(`messages that were set aside in ${retryTopic} were gone before they were handled`)
  })
})

/** Leaves two messages of a key behind that were set aside. */
async function setAside(driver: QueueDriver): Promise<void> {
  await driver.ensureTopics([{ topic, partitionCount: 2 }])
  await send(driver, ['poison', ...Array.from({ length: 60 }, (_, index) => `k${index % 10}`), 'poison'])
  const others = countdown(60)
  const handle: Handle = async ({ orderId }) => {
    if (orderId === 'poison') throw new ServiceError('internal', 'not now')
    others.tick()
  }
  const { server, transport } = await consume(driver, handle, { maxUncommittedCount: 20, commitIntervalMs: 0, retry })
  await others.reached
  await untilParked(transport, 2)
  await server.drain(AbortSignal.timeout(5_000))
}

/** A driver whose broker keeps nothing of what was in the retry topic once its owner has loaded it and taken it over. */
function forgetful(driver: QueueDriver): QueueDriver {
  const [produce, describe, read] = [
    driver.produce.bind(driver),
    driver.describe.bind(driver),
    driver.read.bind(driver),
  ]
  let keptOffset = 0
  const changed: Pick<QueueDriver, 'produce' | 'describe' | 'read'> = {
    produce: async (records, bound) => {
      await produce(records, bound)
      if (keptOffset > 0 || !records.some((record) => record.topic === retryTopic)) return
      keptOffset = (await describe(retryTopic, 'user'))[0]?.nextOffset ?? 0
    },
    describe: async (of, group) =>
      (await describe(of, group)).map((one) =>
        of === retryTopic && one.partition === 0
          ? { ...one, earliestOffset: Math.max(keptOffset, one.earliestOffset) }
          : one,
      ),
    async *read(range, bound) {
      const fromOffset = range.topic === retryTopic ? Math.max(keptOffset, range.fromOffset) : range.fromOffset
      yield* read({ ...range, fromOffset }, bound)
    },
  }
  return Object.assign(driver, changed)
}
