import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import type { Handle } from '../../queue-transport.test-harness.ts'
import { pass, stallAfterMs, watchedConsumer } from './standstill.test-harness.ts'

const retry = { initialDelayMs: 20, maxDelayMs: 200_000, maxAgeMs: 604_800_000 }
const options = { retry, maxUncommittedCount: 40, commitIntervalMs: 10, concurrency: 1 }
const others = 'z'.repeat(31)

/** Messages of keys from `a` to `j` fail at first, and ask for a long wait. */
function failingOnce(then: () => Promise<unknown>): Handle {
  return async ({ orderId }, { attempt = 1 }) => {
    if (orderId > 'j') return
    if (attempt === 1) throw new ServiceError('unavailable', 'not now', { details: { retryDelayMs: 100_000 } })
    await then()
  }
}

test('a partition whose messages wait for places that have messages read back is live', async () => {
  const work = () => new Promise((resolve) => setTimeout(resolve, 8_000))
  const { send, report, staysLive } = await watchedConsumer(failingOnce(work), options)
  await send(`abcdefghij${others}`)
  await pass(50_000)
  expect((await report())?.parkedCount).toBe(10)
  await pass(51_000)
  await send('y')
  expect(await staysLive(2 * stallAfterMs)).toBe(true)
  await pass(10_000)
  expect(await report()).toMatchObject({ parkedCount: 0, stalls: [] })
})

test('a handler of what was read back that comes to no end is found, though nothing else is there', async () => {
  const { send, isLive, reason, told, report } = await watchedConsumer(
    failingOnce(() => new Promise(() => undefined)),
    options,
  )
  await send(`a${others}`)
  await send('zzzzzzzzz')
  await pass(99_000)
  expect([isLive(), (await report())?.parkedCount]).toEqual([true, 1])
  await pass(1.5 * stallAfterMs)
  expect([isLive(), reason()]).toEqual([false, expect.stringContaining('the oldest message is at offset 0')])
  expect((await report())?.stalls).toMatchObject([{ partition: 0, waitsFor: 'handler', offset: 0 }])
  expect(told('error')).toHaveLength(1)
})

test('what was set aside and waits for its time is no standstill', async () => {
  const { send, staysLive } = await watchedConsumer(
    failingOnce(async () => undefined),
    options,
  )
  await send(`a${others}zzzzzzzzz`)
  await pass(1_000)
  expect(await staysLive(2 * stallAfterMs)).toBe(true)
})
