import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { memoryBroker } from '../driver/memory/memory-broker.ts'
import { recordTooLarge } from '../driver/record-too-large.ts'
import type { QueueDriver, RecordToSend } from '../queue-driver.ts'
import {
  countdown,
  deadLetters,
  fakeClock,
  headersOf,
  messages,
  type Placed,
  seeded,
  start,
  topic,
  toRecord,
} from '../queue-transport.test-harness.ts'
import { listDeadLetters } from './list-dead-letters.ts'
import { redriveDeadLetter } from './redrive-dead-letter.ts'

const whose = { topic, group: 'user' }
const bound = { timeoutMs: 1 }

test('dead letters are listed with everything that is known of them, the oldest first', async () => {
  const given = ['a', 'b'].map((orderId, count) => ({
    ...toRecord(JSON.stringify({ orderId, count }), orderId),
    timestampAt: 1_700_000_000_123,
    headers: [['Trace', Buffer.from('t')]] as const,
  }))
  const broker = await seeded(given)
  const buried = countdown(2)
  const handle = async ({ count }: Placed, { attempt }: { readonly attempt?: number }) => {
    if (attempt === 2) buried.tick()
    throw new ServiceError('aborted', 'no stock', { reason: `try_${count}` })
  }
  const clock = fakeClock(1_700_000_000_000)
  await start(broker, handle, { clock, random: () => 1, retry: { maxAttemptCount: 2 }, concurrency: 1 })
  await buried.reached
  const driver = memoryDriver({ broker })
  await expect.poll(() => driver.describe(deadLetters, 'x')).toMatchObject([{ nextOffset: 2 }])
  const { letters, isComplete, next } = await listDeadLetters(driver, whose)
  const [first, second, ...others] = letters
  expect({ isComplete, next }).toEqual({ isComplete: true, next: { 0: 2 } })
  expect(others).toEqual([])
  expect(first).toEqual({
    position: `${deadLetters}/0@0`,
    group: 'user',
    source: { topic, partition: 0, offset: 0, timestampAt: 1_700_000_000_123 },
    key: Buffer.from('a'),
    value: Buffer.from('{"orderId":"a","count":0}'),
    headers: [['Trace', Buffer.from('t')]],
    isValueOmitted: false,
    areHeadersOmitted: false,
    isKeyOmitted: false,
    handler: `consume ${topic}`,
    code: 'aborted',
    message: 'no stock',
    reason: 'try_0',
    attemptCount: 2,
    firstFailedAt: 1_700_000_000_000,
    lastFailedAt: expect.any(Number) as number,
  })
  expect(first?.lastFailedAt).toBeGreaterThan(1_700_000_000_000)
  expect(second).toMatchObject({ reason: 'try_1', source: { offset: 1 } })
  const one = await listDeadLetters(driver, { ...whose, maxCount: 1 })
  expect(one).toEqual({ letters: [first], isComplete: false, next: { 0: 1 } })
  const rest = await listDeadLetters(driver, { ...whose, from: one.next })
  expect(rest).toEqual({ letters: [second], isComplete: true, next: { 0: 2 } })
  // Reading moved nothing.
  expect(await listDeadLetters(driver, whose)).toMatchObject({ letters: [first, second] })
})

test('a list needs a topic, and bounds that make sense', async () => {
  const driver = memoryDriver({ broker: memoryBroker() })
  await expect(listDeadLetters(driver, whose)).rejects.toMatchObject({ code: 'not_found' })
  await expect(listDeadLetters(driver, { ...whose, maxCount: 0 })).rejects.toThrow('maxCount must be a whole number')
  await expect(listDeadLetters(driver, { ...whose, timeoutMs: 0 })).rejects.toThrow('timeoutMs must be a whole number')
  await expect(listDeadLetters(driver, { ...whose, from: { 0: -1 } })).rejects.toThrow('from[0] must be')
  await driver.ensureTopics([{ topic: deadLetters }])
  expect(await listDeadLetters(driver, whose)).toMatchObject({ letters: [], isComplete: true })
})

test('what is no dead letter is passed over', async () => {
  const broker = memoryBroker()
  const driver = memoryDriver({ broker })
  await driver.produce([{ ...toRecord('x'), topic: deadLetters }], bound)
  expect(await listDeadLetters(driver, whose)).toMatchObject({ letters: [], isComplete: true })
})

test('a redriven message is handled by the group that gave it up, and by no other', async () => {
  const broker = await seeded(messages(1))
  const driver = memoryDriver({ broker })
  let isMended = false
  const seen: string[] = []
  const handled = countdown(1)
  const handle = (who: string) => async (_payload: Placed) => {
    if (who === 'user' && !isMended) throw new ServiceError('invalid_argument', 'a bug')
    seen.push(who)
    if (who === 'user') handled.tick()
  }
  const { onDeadLetter } = await start(broker, handle('user'), { commitIntervalMs: 0 })
  const other = await start(broker, handle('audit'), { commitIntervalMs: 0 }, 'audit')
  await onDeadLetter
  isMended = true
  const [letter] = (await listDeadLetters(driver, whose)).letters
  if (letter === undefined) throw new Error('expected a letter')
  await redriveDeadLetter(driver, letter)
  await handled.reached
  await expect.poll(() => other.transport.consumers()).toMatchObject([{ lagCount: 0 }])
  expect(seen).toEqual(['audit', 'user'])
  const [, again] = broker.records(topic)
  expect(again).toMatchObject({ key: Buffer.from('k'), value: Buffer.from('{"orderId":"k","count":0}') })
  expect(headersOf(again)).toEqual({ 'tenon-redrive-group': 'user', 'tenon-redrive-letter': letter.position })
})

test('a message beyond maxMessageBytes is a dead letter at once, as it came', async () => {
  const broker = await seeded([toRecord(`{"orderId":"k","count":0,"x":"${'x'.repeat(100)}"}`), ...messages(1)])
  const done = countdown(1)
  await start(broker, async () => done.tick(), { maxMessageBytes: 64 })
  await done.reached
  const [letter] = (await listDeadLetters(memoryDriver({ broker }), whose)).letters
  expect(letter).toMatchObject({ code: 'invalid_argument', reason: 'message_too_large', attemptCount: 0 })
  expect(letter?.value?.length).toBe(broker.records(topic)[0]?.value?.length)
})

test('what the broker will never take is stored without its value, and holds nothing up', async () => {
  const broker = await seeded([toRecord('garbage'), ...messages(1)])
  const driver = memoryDriver({ broker })
  const strict: QueueDriver = Object.assign(memoryDriver({ broker }), {
    produce: async (records: readonly RecordToSend[]) => {
      if (records.some(({ value }) => value !== null)) throw recordTooLarge('too large for the broker', undefined)
      await driver.produce(records, bound)
    },
  })
  const done = countdown(1)
  await start(broker, async () => done.tick(), { driver: strict })
  await done.reached
  const [letter] = (await listDeadLetters(driver, whose)).letters
  expect(letter).toMatchObject({ isValueOmitted: true, value: null, source: { topic, partition: 0, offset: 0 } })
  if (letter === undefined) throw new Error('expected a letter')
  await expect(redriveDeadLetter(driver, letter)).rejects.toMatchObject({ code: 'failed_precondition' })
})
