import { ServiceError } from '@tenon/core/transport'
import { expect, it } from 'vitest'
import { resolveConsumer } from './consume/plan/consumer-settings.ts'
import { RetrySchedule } from './consume/retry-schedule.ts'
import { memoryDriver } from './driver/memory/memory-driver.ts'
import { queueDefaults, resolveQueue } from './queue-options.ts'
import { resolveRetry } from './retry-options.ts'

const driver = memoryDriver()
const { initialDelayMs: usualInitialMs, maxDelayMs: usualMaxMs } = queueDefaults.retry

/** The first waits of a message that keeps failing, none of them shortened by chance. */
function delaysMs(retry: ReturnType<typeof resolveRetry>, count: number): readonly number[] {
  const schedule = new RetrySchedule({ retry, clock: { now: () => 0, wait: async () => undefined }, random: () => 1 })
  return Array.from({ length: count }, () => {
    const step = schedule.next(new ServiceError('internal', 'failed'))
    return step.action === 'retry' ? step.delayMs : Number.NaN
  })
}

it('waits as long at first as was asked for, though that is longer than the longest of the defaults', () => {
  const initialDelayMs = usualMaxMs * 2
  const settings = resolveQueue({ driver, retry: { initialDelayMs } })
  expect(delaysMs(settings.retry, 2)).toEqual([initialDelayMs, initialDelayMs])
  const consumer = resolveConsumer({ retry: { initialDelayMs: initialDelayMs * 2 } }, settings)
  expect(delaysMs(consumer.retry, 2)).toEqual([initialDelayMs * 2, initialDelayMs * 2])
})

it('never waits longer than was asked for, though the first of the defaults is longer', () => {
  const maxDelayMs = usualInitialMs / 2
  const settings = resolveQueue({ driver, retry: { maxDelayMs } })
  expect(settings.retry).toEqual({ ...queueDefaults.retry, initialDelayMs: maxDelayMs, maxDelayMs })
  const consumer = resolveConsumer({ retry: { maxDelayMs: 5 } }, settings)
  expect([consumer.retry.initialDelayMs, ...delaysMs(consumer.retry, 2)]).toEqual([5, 5, 5])
})

it('moves nothing that need not move', () => {
  expect(resolveRetry(queueDefaults.retry, { initialDelayMs: 1_000 })).toEqual({
    ...queueDefaults.retry,
    initialDelayMs: 1_000,
  })
  expect(resolveRetry(queueDefaults.retry, { maxDelayMs: 1_000 })).toEqual({
    ...queueDefaults.retry,
    maxDelayMs: 1_000,
  })
  expect(resolveRetry(queueDefaults.retry)).toEqual(queueDefaults.retry)
})

it.each([{ initialDelayMs: 9_999_999 }, { maxDelayMs: -1 }])('tells of %o alone what is out of range', (retry) => {
  const [name = ''] = Object.keys(retry)
  const other = name === 'maxDelayMs' ? 'initialDelayMs' : 'maxDelayMs'
  const resolve = () => resolveQueue({ driver, retry })
  expect(resolve).toThrow(`retry.${name}`)
  expect(resolve).not.toThrow(`retry.${other}`)
})
