import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import type { Handle } from '../../queue-transport.test-harness.ts'
import { pass, watchedConsumer } from '../watch/standstill.test-harness.ts'

const hourMs = 3_600_000
const retry = { initialDelayMs: 20, maxDelayMs: hourMs, maxAgeMs: 604_800_000 }
const options = { retry, maxUncommittedCount: 10, commitIntervalMs: 10 }
const halting = { ...options, retry: { ...retry, maxAttemptCount: 1, onExhausted: 'halt-key' } } as const
const ways = [
  ['waits for an hour', 'unavailable', options],
  ['is halted', 'internal', halting],
] as const

/** Messages of some keys fail at once, for an hour where they are tried again. */
function failing(keys: string, code: 'unavailable' | 'internal' = 'unavailable') {
  const seen: string[] = []
  const handle: Handle = async ({ orderId, count }) => {
    if (keys.includes(orderId)) throw new ServiceError(code, 'not now', { details: { retryDelayMs: hourMs } })
    seen.push(`${orderId}${count}`)
  }
  return { handle, seen }
}

test('messages that fail at once are set aside when others were handled behind them, though there is room', async () => {
  const { handle, seen } = failing('ab')
  const { send, report } = await watchedConsumer(handle, options)
  await send('ab')
  await pass(1_000)
  expect((await report())?.parkedCount).toBe(0)
  await send('cd')
  await pass(1_000)
  expect([seen, (await report())?.parkedCount]).toEqual([['c2', 'd3'], 2])
})

test('so are messages that are held back', async () => {
  const { handle, seen } = failing('')
  const { send, report } = await watchedConsumer(handle, options)
  const notBefore = new Date(Date.now() + hourMs).toISOString()
  await send('ab', 0, { 'tenon-not-before': notBefore })
  await pass(1_000)
  expect((await report())?.parkedCount).toBe(0)
  await send('cd')
  await pass(1_000)
  expect([seen, (await report())?.parkedCount]).toEqual([['c2', 'd3'], 2])
})

test.each(ways)('a key that %s holds up no other, however many of it follow', async (_how, code, given) => {
  const { handle, seen } = failing('a', code)
  const { send, report } = await watchedConsumer(handle, given)
  await send(`${'a'.repeat(27)}b`)
  await pass(60_000)
  expect([seen, (await report())?.parkedCount]).toEqual([['b27'], 27])
})

test.each(ways)('two keys of which each %s hold up no other', async (_how, code, given) => {
  const { handle, seen } = failing('ab', code)
  const { send, report } = await watchedConsumer(handle, given)
  await send(`axb${'a'.repeat(14)}c`)
  await pass(60_000)
  expect([seen, (await report())?.parkedCount]).toEqual([['x1', 'c17'], 16])
})

test('an outage moves no topic over, whoever owns it, and health says that it stands still', async () => {
  const keys = 'abcdefghijklmnopqrst'
  const { handle } = failing(keys)
  const { broker, driver, send, report, reason, isLive } = await watchedConsumer(handle, options)
  for (const key of keys) {
    await send(key)
    await pass(1_000)
  }
  expect((await report())?.parkedCount).toBe(0)
  for (let ownerCount = 0; ownerCount < 3; ownerCount++) {
    broker.evict(driver, { noticedAfterMs: 0 })
    await pass(30_000)
  }
  expect((await report())?.parkedCount).toBe(0)
  expect([isLive(), reason()]).toEqual([
    true,
    'partition 0 of shop.order.placed.v1: it stands still until there is room in maxUncommittedCount, for its oldest message',
  ])
})

test('a second key that fails with nothing handled between them stands still as in an outage, also for other owners', async () => {
  const { handle, seen } = failing('ab')
  const { send, broker, driver, report, reason } = await watchedConsumer(handle, options)
  await send(`${'a'.repeat(14)}${'b'.repeat(14)}c`)
  await pass(30_000)
  broker.evict(driver, { noticedAfterMs: 0 })
  await pass(30_000)
  expect([seen, (await report())?.parkedCount]).toEqual([[], 14])
  expect(reason()).toContain('it stands still')
})

test('what is handled of those that were set aside shows that there is no outage', async () => {
  let isPoisoned = true
  const seen: string[] = []
  const handle: Handle = async ({ orderId, count }) => {
    if (orderId === 'b' || (orderId === 'a' && isPoisoned)) {
      isPoisoned = orderId !== 'a' && isPoisoned
      throw new ServiceError('unavailable', 'not now', { details: { retryDelayMs: 20_000 } })
    }
    seen.push(`${orderId}${count}`)
  }
  const { send, report } = await watchedConsumer(handle, options)
  await send('a'.repeat(14))
  await pass(30_000)
  expect([seen.length, (await report())?.parkedCount]).toEqual([14, 0])
  await send(`${'b'.repeat(14)}c`)
  await pass(10_000)
  expect(seen.at(-1)).toBe('c28')
})

test('health says so no longer once there is room', async () => {
  const { handle, seen } = failing('')
  let isOut = true
  const failsFirst: Handle = async (payload, arrival) => {
    if (isOut) throw new ServiceError('unavailable', 'not now', { details: { retryDelayMs: 60_000 } })
    return handle(payload, arrival)
  }
  const { send, reason } = await watchedConsumer(failsFirst, options)
  await send('abcdefghijklmnopqrst')
  await pass(30_000)
  expect(reason()).toContain('it stands still')
  isOut = false
  await pass(60_000)
  expect([seen.length, reason()]).toEqual([20, undefined])
})

/** A key that fails until it is cured, for an hour each time, and one that fails once, for some seconds. */
function curable(code: 'unavailable' | 'internal') {
  const seen: string[] = []
  const state = { isCured: false }
  let hasFailed = false
  const handle: Handle = async ({ orderId, count }) => {
    const isFirst = orderId === 'b' && !hasFailed
    hasFailed ||= isFirst
    if (isFirst) throw new ServiceError('unavailable', 'not now', { details: { retryDelayMs: 12_000 } })
    if (orderId === 'a' && !state.isCured)
      throw new ServiceError(code, 'not now', { details: { retryDelayMs: hourMs } })
    seen.push(`${orderId}${count}`)
  }
  return { handle, seen, state }
}

test.each(ways)('a key that %s and was set aside holds up no other that was', async (_how, code, given) => {
  const { handle, seen, state } = curable(code)
  const { send, report, transport } = await watchedConsumer(handle, given)
  await send('a'.repeat(27))
  await pass(30_000)
  await send('bbc')
  await pass(60_000)
  expect(seen).toEqual(['c29', 'b27', 'b28'])
  expect((await report())?.parkedCount).toBe(27)
  state.isCured = true
  await pass(hourMs)
  await transport.retryHalted({ topic: 'shop.order.placed.v1', group: 'user' })
  await send('a')
  await pass(30_000)
  expect(seen.slice(3)).toEqual(Array.from({ length: 28 }, (_, index) => `a${index < 27 ? index : 30}`))
  expect([(await report())?.parkedCount, (await report())?.lagCount]).toEqual([0, 0])
})

test('what was put back comes in order to another owner as well', async () => {
  const { handle, seen, state } = curable('unavailable')
  const { send, broker, driver, report } = await watchedConsumer(handle, options)
  await send(`${'a'.repeat(27)}bc${'a'.repeat(9)}`)
  await pass(60_000)
  expect(seen).toEqual(['c28', 'b27'])
  broker.evict(driver, { noticedAfterMs: 0 })
  await pass(60_000)
  expect((await report())?.parkedCount).toBe(36)
  state.isCured = true
  await send('ada')
  await pass(hourMs)
  const own = seen.filter((one) => one.startsWith('a')).map((one) => Number(one.slice(1)))
  expect([own.length, own]).toEqual([38, own.toSorted((one, other) => one - other)])
})

test('nor does one whose next message fails later, with the window full of it', async () => {
  const seen: string[] = []
  const failed = new Set<string>()
  const handle: Handle = async ({ orderId, count }) => {
    const name = `${orderId}${count}`
    if (name === 'a1') await new Promise((resolve) => setTimeout(resolve, 9_000))
    const isFailing = name === 'a1' || (!failed.has(orderId) && 'ab'.includes(orderId))
    failed.add(orderId)
    const retryDelayMs = name === 'a1' ? hourMs : 12_000
    if (isFailing) throw new ServiceError('unavailable', 'not now', { details: { retryDelayMs } })
    seen.push(name)
  }
  const { send } = await watchedConsumer(handle, options)
  await send(`${'a'.repeat(27)}c`)
  await pass(15_000)
  expect(seen).toEqual(['c27', 'a0'])
  await send('bc')
  await pass(2_000)
  expect(seen.slice(2)).toEqual(['c29'])
  await pass(15_000)
  expect(seen.slice(3)).toEqual(['b28'])
})
