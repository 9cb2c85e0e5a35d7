import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { countedLine } from './counted-line.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'Date'] }))
afterEach(() => void vi.useRealTimers())

function open() {
  const told: number[] = []
  return { told, line: countedLine((count) => void told.push(count)) }
}

test('what happens is told at once, and then at most once a minute with how many there were since', () => {
  const { told, line } = open()
  line.add()
  for (const count of [2, 3]) line.add(count)
  vi.advanceTimersByTime(59_999)
  line.add()
  expect(told).toEqual([1])
  vi.advanceTimersByTime(1)
  line.add()
  expect(told).toEqual([1, 7])
})

test('what was not told yet is told on closing, once', () => {
  const { told, line } = open()
  line.close()
  line.add()
  line.add(4)
  line.close()
  line.close()
  expect(told).toEqual([1, 4])
})

test('the clock of the wall plays no part', () => {
  const { told, line } = open()
  line.add()
  vi.setSystemTime(Date.now() + 3_600_000)
  line.add()
  expect(told).toEqual([1])
})
