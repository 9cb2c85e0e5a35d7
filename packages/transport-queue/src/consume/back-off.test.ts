import { expect, test } from 'vitest'
import type { ReceivedRecord } from '../queue-driver.ts'
import { HaltedMessages } from './halted-messages.ts'
import { BackOff } from './back-off.ts'
import type { AppendOutcome } from './retry/write/retry-writer.ts'

const record: ReceivedRecord = {
  topic: 't',
  partition: 0,
  offset: 7,
  timestampAt: 0,
  key: null,
  value: null,
  headers: [],
}
const untilAt = 5_000
const retried = { stage: 'retried', attemptCount: 1, code: 'internal', untilAt } as const

interface OpenOptions {
  readonly isWanted?: (delayMs: number, waitingCount: number) => boolean
  /** Of one after the other; the last of all that come then. */
  readonly outcomes?: readonly AppendOutcome[]
}

/** Waits on a clock that the test moves. */
function open({ isWanted, outcomes = ['stored'] }: OpenOptions = {}) {
  const revoked = new AbortController()
  let now = 0
  const waits: { readonly dueAt: number; readonly end: () => void }[] = []
  const clock = {
    now: () => now,
    wait: (durationMs: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        waits.push({ dueAt: now + durationMs, end: resolve })
        signal.addEventListener('abort', () => resolve(), { once: true })
      }),
  }
  const parked: string[] = []
  const parking = {
    isFenced: () => false,
    park: async () => {
      parked.push(backOff.stages.get(record.offset)?.stage ?? 'none')
      return outcomes[Math.min(parked.length, outcomes.length) - 1] ?? 'revoked'
    },
    follow: async () => 'free' as const,
  }
  const backOff: BackOff = new BackOff({
    clock,
    revoked: revoked.signal,
    halted: new HaltedMessages(),
    aside: isWanted && { parking, isWanted },
  })
  const pass = async (toMs: number, earlyMs = 0) => {
    now = toMs
    for (const { dueAt, end } of waits) if (dueAt <= now + earlyMs) end()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { backOff, pass, parked, revoked }
}

test('a message waits for its time, and says so meanwhile', async () => {
  const { backOff, pass } = open()
  const waiting = backOff.wait(record, retried)
  expect(backOff.stages.get(7)).toEqual(retried)
  await pass(untilAt)
  expect([await waiting, backOff.stages.size]).toEqual([false, 0])
})

test('one that is held waits on when a timer fires early', async () => {
  const { backOff, pass } = open()
  let isOver = false
  const waiting = backOff.wait(record, { stage: 'held', untilAt }).then(() => (isOver = true))
  await pass(untilAt - 1, 1)
  expect(isOver).toBe(false)
  await pass(untilAt)
  await waiting
})

test('one that is wanted aside is set aside, told how long and how many wait', async () => {
  const asked: number[][] = []
  const { backOff, parked } = open({ isWanted: (...facts) => asked.push(facts) > 0 })
  expect(await backOff.wait(record, retried)).toBe(true)
  expect([asked, parked, backOff.stages.size]).toEqual([[[untilAt, 1]], ['parked'], 0])
})

test('one that is unfit waits in memory, and is not offered again', async () => {
  const { backOff, pass, parked } = open({ isWanted: () => true, outcomes: ['unfit'] })
  const waiting = backOff.wait(record, retried)
  await pass(1)
  backOff.reconsider()
  await pass(2)
  await pass(untilAt)
  expect([await waiting, parked]).toEqual([false, ['parked']])
})

test('one that is refused is offered again every 5 s, and no sooner when it is looked at again', async () => {
  const { backOff, pass, parked } = open({ isWanted: () => true, outcomes: ['refused', 'refused', 'stored'] })
  const waiting = backOff.wait(record, { ...retried, untilAt: 60_000 })
  await pass(0)
  backOff.reconsider()
  await pass(4_999)
  expect(parked).toHaveLength(1)
  await pass(5_000)
  expect([parked.length, backOff.stages.get(7)?.stage]).toEqual([2, 'retried'])
  await pass(10_000)
  expect([await waiting, parked]).toEqual([true, ['parked', 'parked', 'parked']])
})

test('one that is refused is handled when its time comes', async () => {
  const { backOff, pass, parked } = open({ isWanted: () => true, outcomes: ['refused'] })
  const waiting = backOff.wait(record, { ...retried, untilAt: 7_000 })
  await pass(0)
  await pass(5_000)
  await pass(7_000)
  expect([await waiting, parked]).toEqual([false, ['parked', 'parked']])
})

test('those that wait are looked at again when that is asked for', async () => {
  let isWanted = false
  const { backOff, pass, parked } = open({ isWanted: () => isWanted })
  const waiting = backOff.wait(record, { stage: 'held', untilAt })
  backOff.reconsider()
  await pass(1)
  expect(parked).toEqual([])
  isWanted = true
  backOff.reconsider()
  expect([await waiting, parked]).toEqual([true, ['parked']])
})

test('the end of the partition ends every wait', async () => {
  const { backOff, revoked } = open()
  const waiting = backOff.wait(record, { stage: 'held', untilAt })
  revoked.abort()
  expect(await waiting).toBe(false)
  expect(await backOff.wait(record, retried)).toBe(false)
})

test('what is done with a message is its stage as long as it lasts, also where it fails', async () => {
  const { backOff } = open()
  const work = Promise.withResolvers<never>()
  const doing = backOff.during(record, { stage: 'buried', sinceAt: 1 }, work.promise)
  expect(backOff.stages.get(7)).toEqual({ stage: 'buried', sinceAt: 1 })
  work.reject(new Error('not stored'))
  await expect(doing).rejects.toThrow('not stored')
  expect(backOff.stages.size).toBe(0)
})
