import { describe, expect, it } from 'vitest'
import type { AssignedPartition, QueueDriver } from '../../queue-driver.ts'
import { driverSuite } from '../suite/driver-suite.ts'
import { memoryDriver } from './memory-driver.ts'
import { memoryBroker } from './memory-broker.ts'

describe('memoryDriver', () => {
  it.each(driverSuite)('$name', async ({ run }) => {
    const broker = memoryBroker()
    await run({ connect: () => connected(memoryDriver({ broker })), unique: (name) => name })
  })

  it('shares one broker between the drivers of a process that name none', async () => {
    const [one, other] = [await connected(memoryDriver()), await connected(memoryDriver())]
    const topic = 'shop.memory-test.shared.v1'
    await one.produce([{ topic, key: null, value: Buffer.from('1'), headers: [] }], { timeoutMs: 1 })
    const found = Promise.withResolvers<string>()
    const member = await other.join(
      {
        group: 'reader',
        topics: [topic],
        log: silent,
        consume: async (partition) => {
          for (const { value } of await partition.fetch()) found.resolve(String(value))
        },
        fail: () => undefined,
      },
      new AbortController().signal,
    )
    expect(await found.promise).toBe('1')
    await member.leave(AbortSignal.abort())
  })

  it('forgets what every group has committed, and keeps what one has not', async () => {
    const broker = memoryBroker({ partitionCount: 1, retainedCount: 10 })
    const driver = await connected(memoryDriver({ broker }))
    const produce = (topic: string) =>
      driver.produce(
        Array.from({ length: 1_500 }, () => ({ topic, key: null, value: Buffer.from('x'), headers: [] })),
        { timeoutMs: 1 },
      )
    const consume = async () => undefined
    const membership = { group: 'reader', topics: ['read'], log: silent, consume, fail: () => undefined }
    await driver.join(membership, new AbortController().signal)
    await produce('read')
    await produce('unread')
    expect(broker.records('read')).toHaveLength(1_500)
    expect(broker.records('unread')).toHaveLength(10)
    expect(broker.records('unread')[0]?.offset).toBe(1_490)
  })
})

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

async function connected(driver: QueueDriver): Promise<QueueDriver> {
  await driver.connect({ clientId: 'test' })
  return driver
}

describe('memoryDriver, a member that finishes before it leaves', () => {
  it('handles what nobody else would, and resolves when the last message has its outcome', async () => {
    const { driver, produce } = await started()
    const running = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const reader = await join(driver, async () => {
      running.resolve()
      await release.promise
    })
    await produce(['1', '2', '3'])
    await running.promise
    const finished = reader.member.finish?.(never).then(() => reader.handled.length)
    await produce(['4'])
    release.resolve()
    expect(await finished).toBe(4)
    await reader.member.leave(never)
    expect(reader.handled.toSorted()).toEqual(['1', '2', '3', '4'])
  })

  it('leaves the rest to another member of the group, unless that one is about to leave too', async () => {
    const { driver, produce } = await started()
    const release = Promise.withResolvers<void>()
    const one = await join(driver, () => release.promise)
    const other = await join(driver, () => release.promise)
    await produce(['1', '2', '3', '4', '5', '6', '7', '8'])
    await one.member.finish?.(never)
    const left = one.member.leave(never)
    release.resolve()
    await left
    await other.member.finish?.(never)
    await other.member.leave(never)
    const handled = [...one.handled, ...other.handled]
    expect(handled.toSorted()).toEqual(['1', '2', '3', '4', '5', '6', '7', '8'])
  })

  it('finishes both when both are about to leave', async () => {
    const { driver, produce } = await started()
    const release = Promise.withResolvers<void>()
    const members = [await join(driver, () => release.promise), await join(driver, () => release.promise)]
    await produce(['1', '2', '3', '4', '5', '6', '7', '8'])
    const finished = Promise.all(members.map(async ({ member }) => member.finish?.(never)))
    release.resolve()
    await finished
    expect(members.flatMap(({ handled }) => handled)).toHaveLength(8)
  })

  it('waits for messages that another leaving group still publishes', async () => {
    const { driver, produce } = await started()
    const release = Promise.withResolvers<void>()
    const first = await join(driver, async (value) => {
      await release.promise
      await produce([`of ${value}`], 'second')
    })
    const second = await join(driver, async () => undefined, { group: 'other', topics: ['second'] })
    await produce(['1', '2'])
    const finished = Promise.all([first, second].map(async ({ member }) => member.finish?.(never)))
    release.resolve()
    await finished
    expect(second.handled.toSorted()).toEqual(['of 1', 'of 2'])
  })

  it('says what is left when its time is over', async () => {
    const { driver, produce } = await started()
    const reader = await join(driver, () => new Promise(() => undefined))
    await produce(['1'])
    await expect(reader.member.finish?.(AbortSignal.abort())).rejects.toThrow(/messages are left.* first\/\d/)
    await reader.member.leave(AbortSignal.abort())
  })

  it('has nothing to do when there is nothing left', async () => {
    const { driver } = await started()
    const reader = await join(driver, async () => undefined)
    await reader.member.finish?.(never)
    await reader.member.leave(never)
    expect(reader.member.state).toBe('left')
  })
})

const never = new AbortController().signal

async function started() {
  const driver = await connected(memoryDriver({ broker: memoryBroker() }))
  const produce = (values: readonly string[], topic = 'first') =>
    driver.produce(
      values.map((value) => ({ topic, key: Buffer.from(value), value: Buffer.from(value), headers: [] })),
      { timeoutMs: 1 },
    )
  return { driver, produce }
}

/** A member that handles messages one after another and commits each. */
async function join(
  driver: QueueDriver,
  handle: (value: string) => Promise<void>,
  { group = 'group', topics = ['first'] } = {},
) {
  const handled: string[] = []
  const consume = async (partition: AssignedPartition) => {
    while (!partition.revoked.aborted) {
      for (const { value, offset } of await partition.fetch()) {
        if (partition.revoked.aborted) return
        await handle(String(value))
        handled.push(String(value))
        await partition.commit(offset + 1)
      }
    }
  }
  const member = await driver.join({ group, topics, log: silent, consume, fail: () => undefined }, never)
  return { member, handled }
}
