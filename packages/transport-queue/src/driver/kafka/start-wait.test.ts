import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { logInto } from '../../queue-transport.test-harness.ts'
import { StartWait } from './start-wait.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const sessionTimeoutMs = 30_000

function open() {
  const told: unknown[] = []
  const membership = { group: 'user', log: logInto(told) }
  const warned = () => told.filter((line) => Array.isArray(line) && line[0] === 'warn')
  return { wait: new StartWait({ membership, sessionTimeoutMs }), warned }
}

it('is over when the time of a session has passed since it was first asked, for each topic by itself', () => {
  const { wait } = open()
  expect(wait.isOver('a')).toBe(false)
  vi.advanceTimersByTime(sessionTimeoutMs - 1)
  expect([wait.isOver('a'), wait.isOver('b')]).toEqual([false, false])
  vi.advanceTimersByTime(1)
  expect([wait.isOver('a'), wait.isOver('b')]).toEqual([true, false])
})

it('tells once what fails, with the topic, partition 0 and the last error, when it is over', () => {
  const { wait, warned } = open()
  wait.failed('a', new Error('first'))
  vi.advanceTimersByTime(sessionTimeoutMs)
  expect(warned()).toEqual([])
  wait.failed('a', new Error('last'))
  wait.failed('a', new Error('later'))
  wait.settled('a', 'other')
  const facts = { group: 'user', topic: 'a', partition: 0, err: new Error('last') }
  expect(warned()).toEqual([['warn', facts, expect.stringContaining('this member cannot')]])
})

it('tells that another member has said it, and nothing where its owner has', () => {
  const { wait, warned } = open()
  wait.settled('a', 'owner')
  wait.settled('b', 'other')
  const text = expect.stringContaining('another member has')
  expect(warned()).toEqual([['warn', { group: 'user', topic: 'b', partition: 0 }, text]])
})
