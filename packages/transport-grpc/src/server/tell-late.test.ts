import type { Logger } from '@tenon/core/transport'
import { afterEach, expect, test, vi } from 'vitest'
import { tellLate } from './tell-late.ts'

afterEach(() => void vi.useRealTimers())

test('late calls are told of at once, and then at most once a minute with how many there were since', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const told: object[] = []
  const log: Logger = { debug() {}, info() {}, warn: (fields) => void told.push(fields), error() {}, child: () => log }
  const tell = tellLate({ requestTimeoutMs: 1_000 }, log)
  for (const count of [3, 5, 7]) {
    tell(count)
    vi.advanceTimersByTime(30_000)
  }
  expect(told).toEqual([
    { requestTimeoutMs: 1_000, lateCount: 3 },
    { requestTimeoutMs: 1_000, lateCount: 12 },
  ])
})
