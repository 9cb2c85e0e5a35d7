import { expect, it, onTestFinished } from 'vitest'
import { memoryBroker } from '../../driver/memory/memory-broker.ts'
import { bind, type Handle, start } from '../../queue-transport.test-harness.ts'
import { pass, stallAfterMs, watchedConsumer } from './standstill.test-harness.ts'

it('begins no message while calls have to wait, goes on with those that have begun, and handles all of them then', async () => {
  const handled: string[] = []
  const release = Promise.withResolvers<void>()
  const consumer = await watchedConsumer(
    async ({ orderId }) => {
      if (orderId === 'a') await release.promise
      handled.push(orderId)
    },
    { concurrency: 2 },
  )
  await consumer.send('a')
  await pass(0)
  consumer.server.pressureChanged?.('high')
  await consumer.send('bcd')
  await pass(1_000)
  release.resolve()
  await pass(1_000)
  expect(handled).toEqual(['a'])
  consumer.server.pressureChanged?.('normal')
  await pass(1_000)
  expect(handled).toEqual(['a', 'b', 'c', 'd'])
})

it('does not stand still while calls have to wait, however long, nor at once afterwards', async () => {
  const handled: string[] = []
  const consumer = await watchedConsumer(async ({ orderId }) => handled.push(orderId))
  consumer.server.pressureChanged?.('high')
  await consumer.send('ab')
  expect(await consumer.staysLive(10 * stallAfterMs)).toBe(true)
  expect([consumer.isReady(), handled]).toEqual([true, []])
  consumer.server.pressureChanged?.('normal')
  expect(await consumer.staysLive(2 * stallAfterMs)).toBe(true)
  expect(handled).toEqual(['a', 'b'])
})

it('finds a handler that never ends also while calls have to wait, and does not take it for well then', async () => {
  const consumer = await watchedConsumer(() => new Promise(() => {}))
  await consumer.send('a')
  await pass(6 * stallAfterMs)
  expect(consumer.isLive()).toBe(false)
  consumer.server.pressureChanged?.('high')
  await pass(2 * stallAfterMs)
  expect(consumer.isLive()).toBe(false)
})

it('finds it beside a handler of another partition that has time left, where places are free but not given', async () => {
  const consumer = await watchedConsumer(() => new Promise(() => {}), { partitionCount: 2, concurrency: 3 })
  await consumer.send('a', 0)
  await pass(stallAfterMs - 1_000)
  await consumer.send('b', 1)
  await pass(0)
  consumer.server.pressureChanged?.('high')
  await pass(stallAfterMs / 2)
  expect((await consumer.report())?.oldest).toHaveLength(2)
  expect([consumer.isLive(), (await consumer.report())?.stalls]).toMatchObject([
    false,
    [{ partition: 0, waitsFor: 'handler' }],
  ])
})

it('reports that it is held for as long as calls have to wait', async () => {
  const { transport, server } = await start(memoryBroker(), async () => undefined)
  const held = async () => (await transport.consumers()).map(({ isHeld, state }) => [isHeld, state])
  expect(await held()).toEqual([[false, 'assigned']])
  server.pressureChanged?.('high')
  expect(await held()).toEqual([[true, 'assigned']])
  expect(server.info?.()).toMatchObject({ consumers: [{ isHeld: true }] })
  server.pressureChanged?.('normal')
  expect(await held()).toEqual([[false, 'assigned']])
})

/** Keeps which messages were handled. */
function noting(): { readonly counts: number[]; readonly handle: Handle } {
  const counts: number[] = []
  return { counts, handle: async ({ count }) => void counts.push(count) }
}

it('begins none where calls had to wait already when it started', async () => {
  const sender = await watchedConsumer(async () => undefined, { partitionCount: 1 })
  await sender.server.close()
  const { counts, handle } = noting()
  const { server } = bind(sender.broker, handle)
  onTestFinished(() => server.close())
  server.pressureChanged?.('high')
  await server.listen()
  await sender.send('ab')
  await pass(1_000)
  expect(counts).toEqual([])
  server.pressureChanged?.('normal')
  await pass(1_000)
  expect(counts).toEqual([0, 1])
})

it('leaves what it has not begun to the next process when it stops while calls have to wait', async () => {
  const first = noting()
  const consumer = await watchedConsumer(first.handle)
  await consumer.send('a')
  await pass(0)
  consumer.server.pressureChanged?.('high')
  await consumer.send('bcd')
  await pass(1_000)
  await consumer.server.drain(new AbortController().signal)
  await consumer.server.close()
  const next = noting()
  await start(consumer.broker, next.handle)
  await pass(1_000)
  expect([first.counts, next.counts]).toEqual([[0], [1, 2, 3]])
})

it('gives a partition to another process while calls have to wait, and goes on with its own', async () => {
  const first = noting()
  const consumer = await watchedConsumer(first.handle, { partitionCount: 2 })
  consumer.server.pressureChanged?.('high')
  await consumer.send('ab', 0)
  await consumer.send('cd', 1)
  await pass(1_000)
  const second = noting()
  await start(consumer.broker, second.handle)
  await pass(1_000)
  expect([first.counts.length, second.counts.length]).toEqual([0, 2])
  consumer.server.pressureChanged?.('normal')
  await pass(1_000)
  expect(new Set([...first.counts, ...second.counts])).toEqual(new Set([0, 1, 2, 3]))
  expect(second.counts).toHaveLength(2)
  expect(first.counts).toHaveLength(2)
})
