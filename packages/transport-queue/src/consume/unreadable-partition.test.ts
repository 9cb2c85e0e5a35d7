import { changedPartition } from './changed-partition.ts'
import { memoryBroker } from '../driver/memory/memory-broker.ts'
import type { AssignedPartition, QueueDriver } from '../queue-driver.ts'
import { describe, expect, test } from 'vitest'
import { connected, embeddedDrivers, send } from '../queue-driver.test-harness.ts'
import { countdown, type Placed, start, topic } from '../queue-transport.test-harness.ts'

describe.each(embeddedDrivers)('a partition of %s that cannot be read any more', (_name, newBroker) => {
  test('fails its service at once, and is given away when what runs has ended and is committed', async () => {
    const { driver, sender, fail, settled } = await prepare(newBroker())
    const [running, release] = [countdown(2), Promise.withResolvers<void>()]
    const handle = async () => {
      running.tick()
      await release.promise
    }
    const { failed } = await start(memoryBroker(), handle, { driver, commitIntervalMs: 60_000 })
    await running.reached
    fail(new Error('disk I/O error'))
    expect(await failed).toEqual(new Error('disk I/O error'))
    expect(await Promise.race([settled, Promise.resolve('open')])).toBe('open')
    release.resolve()
    await settled
    expect((await sender.describe(topic, 'user'))[0]).toMatchObject({ committedOffset: 2 })
  })

  test('begins nothing more of what was taken', async () => {
    const { driver, sender, fail, settled } = await prepare(newBroker())
    const [running, release] = [countdown(1), Promise.withResolvers<void>()]
    const seen: number[] = []
    const handle = async ({ count }: Placed) => {
      seen.push(count)
      running.tick()
      await release.promise
    }
    const { failed } = await start(memoryBroker(), handle, { driver, concurrency: 1 })
    await running.reached
    fail(new Error('disk I/O error'))
    await failed
    release.resolve()
    await settled
    expect(seen).toEqual([0])
    expect((await sender.describe(topic, 'user'))[0]).toMatchObject({ committedOffset: 1 })
  })
})

/** Two messages in one partition, which can be read once, until it fails. */
async function prepare(newDriver: () => QueueDriver) {
  const sender = await connected(newDriver())
  await sender.ensureTopics([{ topic, partitionCount: 1 }])
  for (const count of [0, 1]) await send(sender, { topic, partition: 0, count })
  const failing = Promise.withResolvers<never>()
  const ended = Promise.withResolvers<void>()
  const driver = newDriver()
  const join = driver.join.bind(driver)
  Object.assign(driver, {
    join: ((membership, signal) => {
      const consume = (partition: AssignedPartition) =>
        membership.consume(readOnce(partition, failing.promise)).finally(ended.resolve)
      return join({ ...membership, consume }, signal)
    }) satisfies QueueDriver['join'],
  })
  return { driver, sender, fail: failing.reject, settled: ended.promise }
}

function readOnce(partition: AssignedPartition, failing: Promise<never>): AssignedPartition {
  let readCount = 0
  return changedPartition(partition, { fetch: () => (readCount++ === 0 ? partition.fetch() : failing) })
}
