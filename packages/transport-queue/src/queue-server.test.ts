import { event } from '@tenon/core/contract'
import type { Outcome } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, it, test } from 'vitest'
import { memoryBroker } from './driver/memory/memory-broker.ts'
import { memoryDriver } from './driver/memory/memory-driver.ts'
import type { QueueDriver, QueueMember } from './queue-driver.ts'
import { host, start } from './queue-transport.test-harness.ts'
import { queueTransport } from './queue-transport.ts'

test('closes its connection though a group cannot be left, once all others are, and tells which could not', async () => {
  const told: string[] = []
  const { server, leave } = serverOf(['broken', 'slow'], told)
  await server.listen()
  const closed = server.close()
  leave('broken', new Error('the coordinator is gone'))
  await new Promise((resolve) => setImmediate(resolve))
  expect(told).toEqual([])
  leave('slow')
  await expect(closed).rejects.toMatchObject({ errors: [{ message: 'the coordinator is gone' }] })
  expect(told).toEqual(['connection closed'])
})

describe('a server is ready', () => {
  it('from its first assignment until it drains, also while its broker is away', async () => {
    const broker = memoryBroker()
    const { server } = await start(broker, async () => undefined)
    expect(server.health?.()).toEqual({ isLive: true, isReady: true, reason: undefined })
    broker.stop()
    expect(server.health?.()).toMatchObject({ isLive: true, isReady: true })
    broker.start()
    const drained = server.drain(new AbortController().signal)
    expect(server.health?.()).toEqual({ isLive: true, isReady: false, reason: 'it drains' })
    await drained
  })

  it('with no partitions at all, where a group has more members than partitions', async () => {
    const broker = memoryBroker({ partitionCount: 1 })
    await start(broker, async () => undefined)
    const { transport, server } = await start(broker, async () => undefined)
    expect(await transport.consumers()).toMatchObject([{ state: 'assigned', partitions: [] }])
    expect(server.health?.()).toMatchObject({ isLive: true, isReady: true })
  })

  it('when it consumes nothing', () => {
    const server = queueTransport({ driver: memoryDriver({ broker: memoryBroker() }) }).bind(host)
    expect(server.health?.()).toEqual({ isLive: true, isReady: true, reason: undefined })
  })

  it('not before its groups have been joined, of which the service learns', async () => {
    const driver = memoryDriver({ broker: memoryBroker() })
    const join = driver.join.bind(driver)
    const turn = Promise.withResolvers<void>()
    Object.assign(driver, {
      join: (async (membership, signal) => {
        await turn.promise
        return join(membership, signal)
      }) satisfies QueueDriver['join'],
    })
    const heard: unknown[] = []
    const healthChanged = () => heard.push(server.health?.().isReady)
    const server = queueTransport({ driver, joinTimeoutMs: 0 }).bind({
      ...host,
      healthChanged,
      events: [consumed('user')],
    })
    await server.listen()
    const reason = 'group user has not been given its partitions yet'
    expect(server.health?.()).toEqual({ isLive: true, isReady: false, reason })
    turn.resolve()
    await expect.poll(() => heard).toEqual([true])
    await server.close()
  })
})

/** A server of these groups, which it leaves when it is let; what of its connection is closed is told. */
function serverOf(groups: readonly string[], told: string[]) {
  const driver = memoryDriver({ broker: memoryBroker() })
  const leaves = new Map(groups.map((group) => [group, Promise.withResolvers<void>()]))
  const close = driver.close.bind(driver)
  Object.assign(driver, {
    join: (async ({ group }): Promise<QueueMember> => ({
      state: 'assigned',
      leave: async () => leaves.get(group)?.promise,
    })) satisfies QueueDriver['join'],
    close: async () => {
      told.push('connection closed')
      await close()
    },
  })
  const server = queueTransport({ driver }).bind({ ...host, events: groups.map(consumed) })
  const leave = (group: string, failure?: Error) =>
    failure === undefined ? leaves.get(group)?.resolve() : leaves.get(group)?.reject(failure)
  return { server, leave }
}

/** A consumer of a group. */
function consumed(group: string) {
  const placed = event('shop.order.placed.v1', { key: 'orderId', payload: Type.Object({ orderId: Type.String() }) })
  const dispatch = async (): Promise<Outcome> => ({ ok: true, value: undefined, callId: 'c', headers: undefined })
  return { event: placed, group, delivery: {}, dispatch }
}
