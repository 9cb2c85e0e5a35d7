import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import type { TopicRetention } from '../../../queue-driver.ts'
import type { Handle } from '../../../queue-transport.test-harness.ts'
import { pass, watchedConsumer } from '../../watch/standstill.test-harness.ts'

const hourMs = 3_600_000
const retry = { maxAttemptCount: 1, initialDelayMs: 1, maxDelayMs: 1, onExhausted: 'halt-key' } as const

/** A message that is halted and set aside, in a topic that keeps its records for so long. */
async function halted(retention: () => Promise<TopicRetention>) {
  const state = { isCured: false }
  const handle: Handle = async ({ orderId }) => {
    if (orderId === 'h' && !state.isCured) throw new ServiceError('internal', 'not this one')
  }
  const watched = await watchedConsumer(handle, { delivery: { retry }, maxUncommittedCount: 5 })
  Object.assign(watched.driver, { retentionOf: retention })
  await watched.send('hhaaaaaaaaaaaa')
  await pass(2_000)
  expect(await watched.report()).toMatchObject({ parkedCount: 2, haltedCount: 1 })
  const warnings = () => watched.told('warn').filter((text) => text.includes('messages are halted'))
  return { ...watched, state, warnings }
}

const keeps = (keptMs: number) => async () => ({ keptMs, isCompacted: false })

test('is warned of when half of the retention is over, and then again, until it is not halted any more', async () => {
  const { warnings, transport, state } = await halted(keeps(8 * hourMs))
  await pass(4 * hourMs - 600_000)
  expect(warnings()).toEqual([])
  await pass(600_000)
  expect(warnings()).toEqual([
    'messages are halted in shop.order.placed.v1.retry.user until it removes them, and those of their keys behind them: give them attempts anew (retryHalted), or the topic a longer retention.ms',
  ])
  await pass(hourMs)
  expect(warnings()).toHaveLength(2)
  state.isCured = true
  await transport.retryHalted({ topic: 'shop.order.placed.v1', group: 'user' })
  await pass(3 * hourMs)
  expect(warnings()).toHaveLength(2)
})

test('its time is counted from where it was stored, whoever owns it since', async () => {
  const { warnings, broker, driver, report } = await halted(keeps(8 * hourMs))
  await pass(3 * hourMs)
  broker.evict(driver, { noticedAfterMs: 0 })
  await pass(hourMs - 600_000)
  expect([warnings(), (await report())?.haltedCount]).toEqual([[], 1])
  await pass(1_200_000)
  expect(warnings()).toHaveLength(1)
})

test('a retention that was made longer is not warned of, and one that is made shorter is', async () => {
  let keptMs = 8 * hourMs
  const { warnings } = await halted(() => keeps(keptMs)())
  await pass(3 * hourMs)
  keptMs = 80 * hourMs
  await pass(30 * hourMs)
  expect(warnings()).toEqual([])
  keptMs = 40 * hourMs
  await pass(12 * hourMs)
  expect(warnings().length).toBeGreaterThan(0)
})

test.each([
  ['whose retention is not known', () => Promise.reject(new ServiceError('permission_denied', 'no'))],
  ['that keeps all', keeps(Number.POSITIVE_INFINITY)],
])('nothing is warned of in a topic %s', async (_what, retention) => {
  const { warnings } = await halted(retention)
  await pass(24 * hourMs)
  expect(warnings()).toEqual([])
})
