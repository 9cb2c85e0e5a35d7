import { describe, expect, it } from 'vitest'
import type { QueueDriver } from '../queue-driver.ts'
import { driverSuite } from './driver-suite.ts'
import { memoryDriver } from './memory.ts'
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
