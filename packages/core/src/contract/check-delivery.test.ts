import { expect, test } from 'vitest'
import { ContractError } from '../error/setup-error.ts'
import { toDelivery } from './check-delivery.ts'
import { type DeliveryOptions, deliveryRanges } from './delivery.ts'

test('what is said is kept, frozen, and what is undefined is left out', () => {
  const given: DeliveryOptions = {
    failures: { not_found: 'skip', aborted: 'dead_letter' },
    retry: { maxAttemptCount: 3, maxAgeMs: 0, order: 'partition', onExhausted: 'halt-key' },
    concurrency: 1,
    maxHandlerMs: 86_400_000,
  }
  const delivery = toDelivery('consumer', given)
  expect(delivery).toEqual(given)
  expect([delivery, delivery.failures, delivery.retry].every(Object.isFrozen)).toBe(true)
  expect(given.retry).not.toBe(delivery.retry)
  const nothing = { failures: undefined, retry: { maxDelayMs: undefined }, concurrency: undefined }
  expect(toDelivery('consumer', nothing as never)).toStrictEqual({ retry: {} })
})

test.each<[given: unknown, message: string]>([
  [null, 'consumer must be an object, found null'],
  [{ concurency: 1 }, 'consumer: "concurency" is no setting; expected failures, retry, concurrency, maxHandlerMs'],
  [{ failures: 'skip' }, 'consumer: failures must be an object, found "skip"'],
  [{ failures: { notFound: 'skip' } }, 'consumer: failures: "notFound" is no error code'],
  [
    { failures: { not_found: 'ignore' } },
    'consumer: failures.not_found must be one of retry, wait, dead_letter, skip, found "ignore"',
  ],
  [
    { failures: { not_found: ['skip'] } },
    'consumer: failures.not_found must be one of retry, wait, dead_letter, skip, found an object',
  ],
  [
    { retry: { initialDelayMs: 200, maxDelayMs: 100 } },
    'consumer: retry: initialDelayMs, 200, exceeds maxDelayMs, 100',
  ],
  [{ retry: [] }, 'consumer: retry must be an object, found an object'],
  [
    { retry: { maxAttempts: 3 } },
    'consumer: retry: "maxAttempts" is no setting; expected maxAttemptCount, initialDelayMs, maxDelayMs, maxAgeMs, order, onExhausted',
  ],
  [
    { retry: { maxAttemptCount: 0 } },
    'consumer: retry: maxAttemptCount must be a whole number from 1 to 1000, found 0',
  ],
  [{ retry: { order: 'global' } }, 'consumer: retry: order must be one of key, partition, none, found "global"'],
  [{ retry: { onExhausted: 'halt' } }, 'consumer: retry: onExhausted must be one of continue, halt-key, found "halt"'],
  [{ maxHandlerMs: '5s' }, 'consumer: maxHandlerMs must be a whole number from 1 to 86400000, found "5s"'],
])('%j is refused by name', (given, message) => {
  expect(() => toDelivery('consumer', given as DeliveryOptions)).toThrow(
    new ContractError([{ code: 'contract.setting', message }]),
  )
})

const { retry, ...own } = deliveryRanges
test.each([
  ...Object.entries(own).map(([name, range]) => ({ name, range, wrap: (value: number) => ({ [name]: value }) })),
  ...Object.entries(retry).map(([name, range]) => ({
    name,
    range,
    wrap: (value: number) => ({ retry: { [name]: value } }),
  })),
])('$name takes its range and nothing beyond it', ({ range: { min, max }, wrap }) => {
  for (const value of [min, max]) expect(toDelivery('consumer', wrap(value))).toEqual(wrap(value))
  for (const value of [min - 1, max + 1, min + 0.5, Number.NaN])
    expect(() => toDelivery('consumer', wrap(value))).toThrow(`from ${min} to ${max}, found ${value}`)
})

test('all that is wrong is told at once', () => {
  const given = { failures: { oops: 'skip' }, retry: { maxAgeMs: -1 }, concurrency: 0 } as never
  expect(() => toDelivery('consumer', given)).toThrow(/oops[^]*maxAgeMs[^]*concurrency/)
})
