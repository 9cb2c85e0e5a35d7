import { expect, test } from 'vitest'
import { DoneWriter } from './done-writer.ts'
import type { AppendOutcome } from './retry-writer.ts'

/** A writer whose requests are answered, and whose waits are ended, by the test. */
function open() {
  let handled: readonly number[] = []
  const asked: { readonly offsets: readonly number[]; readonly answer: (outcome: AppendOutcome) => void }[] = []
  const stored: (readonly number[])[] = []
  const waits: { readonly durationMs: number; readonly end: () => void }[] = []
  const ending = new AbortController()
  const writer = new DoneWriter({
    open: { handledBehind: () => handled },
    clock: { wait: (durationMs) => new Promise((end) => waits.push({ durationMs, end })) },
    revoked: ending.signal,
    append: (offsets) => new Promise((answer) => asked.push({ offsets, answer })),
    stored: (offsets) => void stored.push(offsets),
  })
  const write = (...offsets: readonly number[]) => {
    handled = offsets
    writer.write()
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const answer = async (outcome: AppendOutcome) => {
    asked.at(-1)?.answer(outcome)
    await turn()
  }
  const endWait = async () => {
    waits.at(-1)?.end()
    await turn()
  }
  const waitedMs = () => waits.map(({ durationMs }) => durationMs)
  return { write, answer, endWait, waitedMs, ending, stored, asked: () => asked.map(({ offsets }) => offsets) }
}

test('what has its outcome while a request is under way goes with the next one', async () => {
  const { write, answer, asked, stored, waitedMs } = open()
  write(1)
  write(1, 2)
  write(1, 2, 3)
  expect([asked(), stored]).toEqual([[[1]], []])
  write(2, 3)
  await answer('stored')
  expect([asked(), stored]).toEqual([[[1], [2, 3]], [[1]]])
  await answer('stored')
  expect([stored, waitedMs()]).toEqual([[[1], [2, 3]], []])
})

test.each(['refused', 'unfit'] as const)('what is %s is told again after 5 s, and nothing before', async (outcome) => {
  const { write, answer, endWait, waitedMs, asked, stored } = open()
  write(1)
  await answer(outcome)
  write(1, 2)
  await answer(outcome)
  expect([asked(), stored, waitedMs()]).toEqual([[[1]], [], [5_000]])
  await endWait()
  await answer(outcome)
  await endWait()
  await answer('stored')
  expect([asked(), stored]).toEqual([[[1], [1, 2], [1, 2]], [[1, 2]]])
})

test('a partition that is given up tells nothing more', async () => {
  const { write, answer, endWait, asked, ending } = open()
  write(1)
  await answer('refused')
  ending.abort()
  await endWait()
  write(1, 2)
  expect(asked()).toEqual([[1]])
})

test('asks for nothing where nothing has its outcome', () => {
  const { write, asked } = open()
  write()
  expect(asked()).toEqual([])
})
