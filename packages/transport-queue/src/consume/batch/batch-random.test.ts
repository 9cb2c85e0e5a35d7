import type { BatchItem } from '@tenon/core'
import { type ErrorCode, ServiceError } from '@tenon/core/transport'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { listDeadLetters } from '../../dead-letter/list-dead-letters.ts'
import { memoryBroker } from '../../driver/memory/memory-broker.ts'
import { memoryDriver } from '../../driver/memory/memory-driver.ts'
import { type Order, ordersOf, senderOf, startBatches, topic } from './batch-service.test-harness.ts'

/** How a message fails, attempt by attempt, before it is handled; `throws` fails its whole batch with it. */
interface Fate {
  readonly key: string
  readonly codes: readonly ErrorCode[]
  readonly throws: boolean
}

const fate: fc.Arbitrary<Fate> = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd'),
  codes: fc.array(fc.constantFrom<ErrorCode>('aborted', 'internal', 'already_exists', 'not_found'), { maxLength: 3 }),
  throws: fc.boolean(),
})

const settings = fc.record({
  maxCount: fc.integer({ min: 1, max: 5 }),
  concurrency: fc.integer({ min: 1, max: 3 }),
  maxUncommittedCount: fc.integer({ min: 5, max: 9 }),
  isRebalanced: fc.boolean(),
})

test('whatever messages of batches fail with, each has one outcome, and those of a key have theirs in order', async () => {
  const fates = fc.array(fate, { minLength: 1, maxLength: 24 })
  await fc.assert(
    fc.asyncProperty(fates, settings, async (given, { maxCount, concurrency, maxUncommittedCount, isRebalanced }) => {
      const broker = memoryBroker({ partitionCount: 1 })
      const newDriver = () => memoryDriver({ broker })
      const { sender } = await senderOf(newDriver, ordersOf(given.map(({ key }) => key).join('')))
      const seen = { handled: [] as Order[], lastCodes: new Map<number, ErrorCode>() }
      const running = new Set<string>()
      let runningCount = 0
      // Gathered, for what a handler throws is an outcome of its messages.
      const wrong: string[] = []
      const handle = async (items: readonly BatchItem<Order>[]) => {
        runningCount += 1
        if (runningCount > concurrency * members.length) wrong.push(`${runningCount} batches at a time`)
        if (items.length > maxCount) wrong.push(`${items.length} messages in a batch`)
        for (const { payload } of items) {
          if (running.has(payload.orderId)) wrong.push(`two messages of key ${payload.orderId} at a time`)
          running.add(payload.orderId)
        }
        try {
          // Long enough for others to come meanwhile.
          await new Promise((resolve) => setImmediate(resolve))
          judge(items, given, seen)
        } finally {
          for (const { payload } of items) running.delete(payload.orderId)
          runningCount -= 1
        }
      }
      const retry = { maxAttemptCount: 3, initialDelayMs: 0 }
      const consumer = {
        batch: { maxCount, maxWaitMs: 0 },
        concurrency,
        retry,
        failures: { not_found: 'skip' as const },
      }
      const options = { consumer, queue: { maxUncommittedCount, commitIntervalMs: 0 }, handle }
      const members = Array.from({ length: isRebalanced ? 2 : 1 }, () => startBatches(newDriver(), options))
      const committed = async () => (await sender.describe(topic, 'user'))[0]?.committedOffset
      await expect.poll(committed, { interval: 1 }).toBe(given.length)
      await Promise.all(members.map(async (member) => (await member).stop()))
      expect(wrong).toEqual([])
      const { letters } = await listDeadLetters(sender, { topic, group: 'user' })
      const buried = letters.map(({ source }) => source.offset)
      for (const key of 'abcd') {
        const counts = seen.handled.filter(({ orderId }) => orderId === key).map(({ count }) => count)
        expect(counts).toEqual(counts.toSorted((one, other) => one - other))
        expect(new Set(counts).size).toBe(counts.length)
      }
      const skipped = [...seen.lastCodes].flatMap(([count, code]) => (code === 'not_found' ? [count] : []))
      const outcomes = [...seen.handled.map(({ count }) => count), ...buried, ...skipped]
      expect(outcomes.toSorted((one, other) => one - other)).toEqual(given.map((_one, count) => count))
    }),
    { numRuns: 40 },
  )
}, 30_000)

test('a message that makes its handler throw buries no other, and costs none more than one attempt', async () => {
  const codes: fc.Arbitrary<ErrorCode | undefined> = fc.constantFrom(
    'internal',
    'already_exists',
    'not_found',
    undefined,
  )
  const given = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), code: codes }), {
    minLength: 2,
    maxLength: 24,
  })
  await fc.assert(
    fc.asyncProperty(given, settings, fc.integer({ min: 1, max: 3 }), async (messages, limits, maxAttemptCount) => {
      const broker = memoryBroker({ partitionCount: 1 })
      const { sender } = await senderOf(
        () => memoryDriver({ broker }),
        ordersOf(messages.map(({ key }) => key).join('')),
      )
      const handled = new Map<number, number>()
      const handle = (items: readonly BatchItem<Order>[]) => {
        const code = items.map(({ payload }) => messages[payload.count]?.code).find((one) => one !== undefined)
        if (code !== undefined) throw new ServiceError(code, 'as it is fated')
        for (const { payload, attempt } of items) handled.set(payload.count, attempt)
      }
      const { maxCount, concurrency, maxUncommittedCount } = limits
      const retry = { maxAttemptCount, initialDelayMs: 0 }
      const failures = { not_found: 'skip' as const }
      const consumer = { batch: { maxCount, maxWaitMs: 0 }, concurrency, retry, failures }
      const options = { consumer, queue: { maxUncommittedCount, commitIntervalMs: 0 }, handle }
      const member = await startBatches(memoryDriver({ broker }), options)
      const committed = async () => (await sender.describe(topic, 'user'))[0]?.committedOffset
      await expect.poll(committed, { interval: 1 }).toBe(messages.length)
      await member.stop()
      const { letters } = await listDeadLetters(sender, { topic, group: 'user' })
      const countsOf = (...wanted: (ErrorCode | undefined)[]) =>
        messages.flatMap(({ code }, count) => (wanted.includes(code) ? [count] : []))
      const inOrder = (counts: Iterable<number>) => [...counts].toSorted((one, other) => one - other)
      expect(inOrder(letters.map(({ source }) => source.offset))).toEqual(countsOf('internal', 'already_exists'))
      expect(inOrder(handled.keys())).toEqual(countsOf(undefined))
      expect(Math.max(1, ...handled.values())).toBeLessThanOrEqual(2)
    }),
    { numRuns: 40 },
  )
}, 30_000)

/** What became of messages: those that were handled, and what each that was not has failed with last. */
interface Seen {
  readonly handled: Order[]
  readonly lastCodes: Map<number, ErrorCode>
}

/** Fails messages as they are fated to, and all of a batch with one that throws. */
function judge(items: readonly BatchItem<Order>[], given: readonly Fate[], { handled, lastCodes }: Seen): void {
  const codeOf = ({ payload, attempt }: BatchItem<Order>) => given[payload.count]?.codes[attempt - 1]
  const culprit = items.find((item) => codeOf(item) !== undefined && given[item.payload.count]?.throws === true)
  const thrown = culprit && codeOf(culprit)
  for (const item of items) {
    const own = item === culprit ? undefined : codeOf(item)
    if (own !== undefined) item.fail(new ServiceError(own, 'as it is fated'))
    const code = own ?? thrown
    if (code !== undefined) lastCodes.set(item.payload.count, code)
    else {
      handled.push(item.payload)
      lastCodes.delete(item.payload.count)
    }
  }
  if (thrown !== undefined) throw new ServiceError(thrown, 'as it is fated')
}
