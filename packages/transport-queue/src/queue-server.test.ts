import type { Outcome } from '@tenon/core/transport'
import { describe, expect, it, test } from 'vitest'
import { planConsumers } from './consume/plan/consumer-plan.ts'
import { memoryBroker } from './driver/memory/memory-broker.ts'
import { memoryDriver } from './driver/memory/memory-driver.ts'
import { placed, publisherOn } from './publish/publisher.test-harness.ts'
import type { QueueDriver, QueueMember } from './queue-driver.ts'
import { resolveQueue } from './queue-options.ts'
import { QueueServer } from './queue-server.ts'
import { host, start } from './queue-transport.test-harness.ts'
import { queueTransport } from './queue-transport.ts'
import { SharedConnection } from './shared-connection.ts'

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

test('waits for what is being published though a group cannot be left', async () => {
  const told: string[] = []
  const { driver, leave } = groupsOf(['broken'], told)
  const [asked, stored] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  Object.assign(driver, {
    produce: async () => {
      asked.resolve()
      await stored.promise
      told.push('stored')
    },
  } satisfies Partial<QueueDriver>)
  const settings = resolveQueue({ driver })
  const publisher = publisherOn(driver)
  const groups = planConsumers({ ...host, events: [consumed('broken')] }, settings)
  const connection = SharedConnection.of(driver)
  const server = new QueueServer(host, groups, { settings, connection, servers: new Set(), publisher })
  await server.listen()
  const published = publisher.publish(placed, { orderId: 'o', count: 0 })
  await asked.promise
  const drained = server.drain(new AbortController().signal).catch(() => void told.push('drained'))
  leave('broken', new Error('the coordinator is gone'))
  await new Promise((resolve) => setImmediate(resolve))
  stored.resolve()
  await Promise.all([published, drained])
  expect(told).toEqual(['stored', 'drained'])
  await server.close().catch(() => undefined)
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

/** A server of these groups. */
function serverOf(groups: readonly string[], told: string[]) {
  const { driver, leave } = groupsOf(groups, told)
  return { server: queueTransport({ driver }).bind({ ...host, events: groups.map(consumed) }), leave }
}

/** A driver of these groups, whose members leave when they are let; what of its connection is closed is told. */
function groupsOf(groups: readonly string[], told: string[]) {
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
  const leave = (group: string, failure?: Error) =>
    failure === undefined ? leaves.get(group)?.resolve() : leaves.get(group)?.reject(failure)
  return { driver, leave }
}

/** A consumer of a group. */
function consumed(group: string) {
  const dispatch = async (): Promise<Outcome> => ({ ok: true, value: undefined, callId: 'c', headers: undefined })
  return { event: placed, group, delivery: {}, dispatch }
}
