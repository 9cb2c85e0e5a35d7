import { expect, test } from 'vitest'
import { DoneWriter } from './done-writer.ts'
import type { AppendOutcome } from './retry-writer.ts'

/** A writer whose requests are answered by the test. */
function open() {
  let handled: readonly number[] = []
  const asked: { readonly offsets: readonly number[]; readonly answer: (outcome: AppendOutcome) => void }[] = []
  const stored: (readonly number[])[] = []
  const writer = new DoneWriter({
    open: { handledBehind: () => handled },
    append: (offsets) => new Promise((answer) => asked.push({ offsets, answer })),
    stored: (offsets) => void stored.push(offsets),
  })
  const write = (...offsets: readonly number[]) => {
    handled = offsets
    writer.write()
  }
  const answer = async (outcome: AppendOutcome) => {
    asked.at(-1)?.answer(outcome)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { write, answer, stored, asked: () => asked.map(({ offsets }) => offsets) }
}

test('what has its outcome while a request is under way goes with the next one', async () => {
  const { write, answer, asked, stored } = open()
  write(1)
  write(1, 2)
  write(1, 2, 3)
  expect([asked(), stored]).toEqual([[[1]], []])
  write(2, 3)
  await answer('stored')
  expect([asked(), stored]).toEqual([[[1], [2, 3]], [[1]]])
  await answer('stored')
  expect(stored).toEqual([[1], [2, 3]])
})

test('what is not stored is not taken for stored, and asked for again when it is wanted', async () => {
  const { write, answer, asked, stored } = open()
  write(1)
  await answer('refused')
  expect([asked(), stored]).toEqual([[[1]], []])
  write(1)
  await answer('stored')
  expect(stored).toEqual([[1]])
})

test('asks for nothing where nothing has its outcome', () => {
  const { write, asked } = open()
  write()
  expect(asked()).toEqual([])
})
