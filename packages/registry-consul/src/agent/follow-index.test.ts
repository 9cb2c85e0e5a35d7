import { expect, it, onTestFinished } from 'vitest'
import { eventually } from '@tenon/testing'
import type { AgentAnswer } from './consul-agent.ts'
import { followIndex } from './follow-index.ts'

/** What is asked in turn, and what is answered; an answer that is missing never comes. */
function follow(answers: readonly Partial<AgentAnswer>[]) {
  const asked: (number | 'list')[] = []
  const shown: string[] = []
  const left = answers.values()
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const answer = (what: number | 'list'): Promise<AgentAnswer> => {
    asked.push(what)
    const next = left.next()
    if (next.done) return new Promise(() => undefined)
    return Promise.resolve({ ...blank, ...next.value })
  }
  let successCount = 0
  const ended = followIndex(
    {
      list: () => answer('list'),
      bell: (index) => answer(index),
      isOther: ({ text }) => text === 'other',
      show: ({ text }) => shown.push(text),
    },
    { signal: stop.signal, succeeded: () => void (successCount += 1) },
  )
  ended.catch(() => undefined)
  return { asked, shown, ended, successes: () => successCount }
}

const blank: AgentAnswer = {
  status: 200,
  text: '',
  index: 1,
  hash: undefined,
  isLeaderKnown: true,
  isFiltered: false,
  isDenied: false,
}

async function until(asked: readonly unknown[], expected: readonly unknown[]): Promise<void> {
  await eventually(() => expect(asked).toEqual(expected))
}

it('waits for an index to change before it reads the list again', async () => {
  const { asked, shown } = follow([{ index: 7, text: 'a' }, { index: 7 }, { index: 9 }, { index: 9, text: 'b' }])
  await until(asked, ['list', 7, 7, 'list', 9])
  expect(shown).toEqual(['a', 'b'])
})

it('reads the list anew where the index went backwards, and goes on from there', async () => {
  const { asked, shown } = follow([{ index: 90, text: 'a' }, { index: 4 }, { index: 4, text: 'b' }])
  await until(asked, ['list', 90, 'list', 4])
  expect(shown).toEqual(['a', 'b'])
})

it('reads the list again where the bell itself shows a change', async () => {
  const { asked, shown } = follow([
    { index: 7, text: 'a' },
    { index: 7, text: 'other' },
    { index: 7, text: 'b' },
  ])
  await until(asked, ['list', 7, 'list', 7])
  expect(shown).toEqual(['a', 'b'])
})

it('shows what was answered before the next one is waited for', async () => {
  const { asked, shown } = follow([{ index: 2, text: 'a' }])
  await until(asked, ['list', 2])
  expect(shown).toEqual(['a'])
})

it('has succeeded when the agent has answered to what it may hold back, and not with the list', async () => {
  const { asked, successes } = follow([{ index: 2, text: 'a' }])
  await until(asked, ['list', 2])
  expect(successes()).toBe(0)
  const held = follow([{ index: 2, text: 'a' }, { index: 2 }])
  await until(held.asked, ['list', 2, 2])
  expect(held.successes()).toBe(1)
})

it('believes no list of a server without a leader', async () => {
  const { shown, ended } = follow([{ text: 'old', isLeaderKnown: false }])
  await expect(ended).rejects.toThrow('knows of no leader')
  expect(shown).toEqual([])
})

it('slows down where the index changes all the time', async () => {
  const { asked } = follow(Array.from({ length: 1_000 }, (_, index) => ({ index: index + 1 })))
  // Five at once; the sixth list comes half a second later, by when an unbounded loop would have read all.
  await eventually(() => expect(asked.filter((what) => what === 'list').length).toBeGreaterThanOrEqual(6))
  expect(asked.length).toBeLessThan(100)
})
