import { expect, it } from 'vitest'
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
