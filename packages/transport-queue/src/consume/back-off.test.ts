import { expect, test } from 'vitest'
import type { ReceivedRecord } from '../queue-driver.ts'
import { HaltedMessages } from './halted-messages.ts'
import { BackOff } from './back-off.ts'
import type { AppendOutcome } from './retry/retry-writer.ts'

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
  readonly outcome?: AppendOutcome
}

/** Waits on a clock that the test moves. */
function open({ isWanted, outcome = 'stored' }: OpenOptions = {}) {
  const revoked = new AbortController()
  let now = 0
  const wakes = new Set<() => void>()
  const clock = {
    now: () => now,
    wait: (_durationMs: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        wakes.add(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      }),
  }
  const parked: string[] = []
  const retry = {
    isFenced: () => false,
    park: async () => {
      parked.push(backOff.stages.get(record.offset)?.stage ?? 'none')
      return outcome
    },
    follow: async () => 'free' as const,
  }
  const backOff: BackOff = new BackOff({
    clock,
    revoked: revoked.signal,
    halted: new HaltedMessages(),
    aside: isWanted && { retry, isWanted },
  })
  const pass = async (toMs: number) => {
    now = toMs
    for (const wake of wakes) wake()
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
  await pass(untilAt - 1)
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

test('one that is refused waits in memory, and is not offered again', async () => {
  const { backOff, pass, parked } = open({ isWanted: () => true, outcome: 'refused' })
  const waiting = backOff.wait(record, retried)
  await pass(1)
  backOff.reconsider()
  await pass(2)
  await pass(untilAt)
  expect([await waiting, parked]).toEqual([false, ['parked']])
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
