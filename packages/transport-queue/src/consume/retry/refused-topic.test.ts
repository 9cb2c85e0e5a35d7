import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import type { QueueDriver } from '../../queue-driver.ts'
import type { Handle } from '../../queue-transport.test-harness.ts'
import { pass, watchedConsumer } from '../watch/standstill.test-harness.ts'

const hourMs = 3_600_000
const retry = { initialDelayMs: 20, maxDelayMs: hourMs, maxAgeMs: 604_800_000 }
const options = { retry, maxUncommittedCount: 10, commitIntervalMs: 10 }
const others = 'a'.repeat(40)

/** The message of key `h` fails once, and wants to be handled again so much later. */
function failingOnce(retryDelayMs: number) {
  const seen: string[] = []
  let hasFailed = false
  const handle: Handle = async ({ orderId, count }) => {
    if (orderId === 'h' && !hasFailed) {
      hasFailed = true
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      throw new ServiceError('unavailable', 'not now', { details: { retryDelayMs } })
    }
    seen.push(`${orderId}${count}`)
  }
  return { handle, seen }
}

/** A driver that writes nothing to retry topics until it may. */
function forbidding(driver: QueueDriver, refusal: () => ServiceError) {
  const rights = { mayWrite: true }
  const produce = driver.produce.bind(driver)
  const refusing: QueueDriver['produce'] = async (records, bound) => {
    if (!rights.mayWrite && records.some(({ topic }) => topic.includes('.retry.'))) throw refusal()
    await produce(records, bound)
  }
  Object.assign(driver, { produce: refusing })
  return rights
}

test('one failure to make the topic holds up a partition for a moment only', async () => {
  const { handle, seen } = failingOnce(hourMs)
  const { driver, send, report, told } = await watchedConsumer(handle, options)
  const ensureTopics = driver.ensureTopics.bind(driver)
  let failureCount = 1
  const failing: QueueDriver['ensureTopics'] = async (topics) => {
    if (failureCount-- > 0) throw new Error('topics could not be created: the controller has moved')
    await ensureTopics(topics)
  }
  Object.assign(driver, { ensureTopics: failing })
  await send(`h${others}`)
  await pass(3_000)
  expect([seen.length, (await report())?.parkedCount]).toEqual([9, 0])
  await pass(6_000)
  expect([seen.length, (await report())?.parkedCount]).toEqual([40, 1])
  expect(told('warn').filter((text) => text.includes('could not be set aside'))).toHaveLength(1)
})

test('what follows in its key is offered again as well', async () => {
  const { handle, seen } = failingOnce(hourMs)
  const { driver, send, report } = await watchedConsumer(handle, options)
  const rights = forbidding(driver, () => new ServiceError('permission_denied', 'not allowed'))
  await send(`h${others}`)
  await pass(3_000)
  rights.mayWrite = false
  await send(`hh${others}`)
  await pass(10_000)
  expect([seen.length, (await report())?.parkedCount]).toEqual([48, 1])
  rights.mayWrite = true
  await pass(6_000)
  expect([seen.length, (await report())?.parkedCount]).toEqual([80, 3])
})

/** An owner that has to say that it takes over what is set aside, and may not. */
async function takenOver(retryDelayMs: number, refusal: () => ServiceError) {
  const { handle, seen } = failingOnce(retryDelayMs)
  const watched = await watchedConsumer(handle, options)
  const { driver, broker, send } = watched
  const rights = forbidding(driver, refusal)
  await send(`h${others}`)
  await pass(3_000)
  expect((await watched.report())?.parkedCount).toBe(1)
  rights.mayWrite = false
  broker.evict(driver, { noticedAfterMs: 0 })
  await pass(1_000)
  await send('hb')
  return { ...watched, rights, seen }
}

const reason =
  /^partition 0 of shop.order.placed.v1: it begins when what was set aside in shop.order.placed.v1.retry.user is done with/

test.each([
  ['may not be written', () => new ServiceError('permission_denied', 'not allowed')],
  ['takes no record without a key', () => new ServiceError('internal', 'not allowed')],
])('an owner whose retry topic %s waits with its reason, live, until it is allowed', async (_what, refusal) => {
  const { rights, seen, staysLive, isReady, reason: reasonOf, told } = await takenOver(hourMs, refusal)
  expect(await staysLive(200_000)).toBe(true)
  expect([seen.length, isReady()]).toEqual([40, true])
  expect(reasonOf()).toMatch(reason)
  expect(told('warn').filter((text) => text.includes('waits until what was set aside'))).toHaveLength(1)
  rights.mayWrite = true
  await pass(6_000)
  expect([seen.slice(40), reasonOf()]).toEqual([['b42'], undefined])
})

test('it goes on without when all that was set aside is done with and committed', async () => {
  const refusal = () => new ServiceError('permission_denied', 'not allowed')
  const { seen, reason: reasonOf, report } = await takenOver(60_000, refusal)
  await pass(30_000)
  expect(seen).toHaveLength(40)
  await pass(40_000)
  expect([seen.slice(40), reasonOf(), (await report())?.parkedCount]).toEqual([['h0', 'h41', 'b42'], undefined, 0])
})

test('an owner that cannot read what was set aside waits with its reason, live', async () => {
  const { handle, seen } = failingOnce(hourMs)
  const { driver, broker, send, staysLive, isReady, reason: reasonOf } = await watchedConsumer(handle, options)
  await send(`h${others}`)
  await pass(3_000)
  const describe = driver.describe.bind(driver)
  const away: QueueDriver['describe'] = async (of, group) => {
    if (of.includes('.retry.')) throw new ServiceError('unavailable', 'away')
    return describe(of, group)
  }
  Object.assign(driver, { describe: away })
  broker.evict(driver, { noticedAfterMs: 0 })
  await pass(1_000)
  await send('b')
  expect(await staysLive(100_000)).toBe(true)
  expect(reasonOf()).toMatch(
    /^partition 0 of shop.order.placed.v1: it waits until shop.order.placed.v1.retry.user can be read; .* though its broker answers$/,
  )
  expect(isReady()).toBe(false)
  Object.assign(driver, { describe })
  await pass(6_000)
  expect([seen.slice(40), reasonOf()]).toEqual([['b41'], undefined])
})
