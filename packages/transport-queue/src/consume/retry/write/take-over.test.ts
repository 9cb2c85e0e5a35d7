import { expect, test } from 'vitest'
import type { ReceivedRecord } from '../../../queue-driver.ts'
import { logInto } from '../../../queue-transport.test-harness.ts'
import { readParked } from './parked-message.ts'
import type { AppendOutcome, MakeRecord } from './retry-writer.ts'
import { TakeOver } from './take-over.ts'

const loaded = { counted: { owner: 'b', committedOffset: 10 }, endOffset: 5, lastOffset: 3 }

/** An owner whose words are answered one after the other; the last answer is of all that come then. */
function owner(answers: readonly AppendOutcome[]) {
  const ending = new AbortController()
  const said: unknown[] = []
  const told: unknown[] = []
  const waits: (() => void)[] = []
  const append = async (make: MakeRecord) => {
    const record = make(said.length + 1)
    said.push(readParked({ ...record, partition: 0, offset: 0, timestampAt: 0 } satisfies ReceivedRecord, 't'))
    return answers[Math.min(said.length, answers.length) - 1] ?? 'revoked'
  }
  const wait = (_durationMs: number, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      waits.push(resolve)
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  const source = { partition: 0, revoked: ending.signal }
  const takeOver = new TakeOver({ topic: 'r', source, writer: { append }, clock: { wait }, log: logInto(told) })
  return { takeOver, said, told, ending, passTime: () => waits.at(-1)?.() }
}

test('says up to where it has read, and from which message on the source brings all again', async () => {
  const { takeOver, said, told } = owner(['stored'])
  await takeOver.say(loaded)
  await takeOver.untilSaid()
  expect(said).toEqual([{ kind: 'takeover', owner: 'b', sequence: 1, fromOffset: 10, untilOffset: 5 }])
  expect([told, takeOver.hindrance]).toEqual([[], undefined])
})

test('what is refused is said again, told once, and waited for', async () => {
  const { takeOver, said, told, passTime } = owner(['unfit', 'refused', 'stored'])
  await takeOver.say(loaded)
  const waiting = takeOver.untilSaid()
  expect(takeOver.hindrance).toMatch(/^it begins when what was set aside in r is done with/)
  passTime()
  await new Promise((resolve) => setImmediate(resolve))
  expect([said.length, takeOver.hindrance === undefined]).toEqual([2, false])
  passTime()
  await waiting
  expect([said.length, told.length, takeOver.hindrance]).toEqual([3, 1, undefined])
})

test('it needs not be said once all that concerns later owners is committed, which is more than what counts', async () => {
  const { takeOver } = owner(['refused'])
  await takeOver.say(loaded)
  let isOver = false
  const waiting = takeOver.untilSaid().then(() => (isOver = true))
  takeOver.committed(3)
  await new Promise((resolve) => setImmediate(resolve))
  expect(isOver).toBe(false)
  takeOver.committed(4)
  await waiting
  expect(takeOver.hindrance).toBeUndefined()
})

test('nothing is waited for when the partition is given up', async () => {
  const { takeOver, ending } = owner(['refused'])
  await takeOver.say(loaded)
  const waiting = takeOver.untilSaid()
  ending.abort()
  await waiting
})
