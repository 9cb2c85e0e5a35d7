import type { Instance } from '@tenon/core/registry'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { DoubtedList } from './doubted-list.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const [a, b] = ['a', 'b'].map((id) => ({ id }) as Instance) as [Instance, Instance]

function recorded() {
  const put: string[] = []
  const list = new DoubtedList((snapshot) => put.push(snapshot.map(({ id }) => id).join()))
  return { put, list }
}

it('gives every list, and none twice', () => {
  const { put, list } = recorded()
  const same = [a]
  list.show([], 1)
  list.show(same, 2)
  list.show(same, 3)
  list.show([], 4)
  expect(put).toEqual(['', 'a', ''])
})

it('gives a list again after an outage, changed or not', () => {
  const { put, list } = recorded()
  const same = [a]
  list.show(same, 2)
  list.interrupt()
  list.show(same, 2)
  list.interrupt()
  list.show([b], 3)
  expect(put).toEqual(['a', 'a', 'b'])
})

it.each([
  { what: 'is empty', first: [] as Instance[], index: 9 },
  { what: 'went back', first: [] as Instance[], index: 1 },
])('does not believe at once a list after an outage that $what', ({ first, index }) => {
  const { put, list } = recorded()
  list.show([a, b], 5)
  list.interrupt()
  list.show(first, index)
  list.show([b], index + 1)
  vi.advanceTimersByTime(1_999)
  expect(put).toEqual(['a,b', 'a,b', 'a,b'])
  vi.advanceTimersByTime(1)
  expect(put.at(-1)).toBe('b')
  list.show([], index + 2)
  expect(put.at(-1)).toBe('')
})

it('believes an empty list where nothing was known, or nothing was interrupted', () => {
  const { put, list } = recorded()
  list.show([], 5)
  list.interrupt()
  list.show([], 1)
  list.show([a], 6)
  list.show([], 7)
  expect(put).toEqual(['', '', 'a', ''])
})

it('doubts nothing any more when nobody reads', () => {
  const { put, list } = recorded()
  list.show([a], 5)
  list.interrupt()
  list.show([], 1)
  list.interrupt()
  vi.advanceTimersByTime(10_000)
  expect(put).toEqual(['a', 'a'])
})
