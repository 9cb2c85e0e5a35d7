import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Cuttable } from './gate.ts'
import { Gate } from './gate.ts'

const dayMs = 86_400_000

beforeEach(() => void vi.useFakeTimers({ now: 0 }))
afterEach(() => void vi.useRealTimers())

function runningCall(gate: Gate, endsAtMs: number | undefined) {
  const endedAt: number[] = []
  const call: Cuttable = {
    endsAtMs,
    place: 0,
    cut: (error) => {
      expect(error.code).toBe('deadline_exceeded')
      endedAt.push(performance.now())
      gate.leave(call)
    },
  }
  gate.enter(call)
  return { call, endedAt }
}

describe('deadlines', () => {
  it('end each call at its own time, whatever the order in which they came', async () => {
    const gate = new Gate()
    const calls = [300, 100, undefined, 200].map((endsAtMs) => runningCall(gate, endsAtMs))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(calls.map(({ endedAt }) => endedAt)).toEqual([[300], [100], [], [200]])
    expect(gate.runningCount).toBe(1)
  })

  it('are noticed a few milliseconds late at most when many fall together', async () => {
    const gate = new Gate()
    const calls = Array.from({ length: 50 }, (_, index) => runningCall(gate, 100 + index))
    await vi.advanceTimersByTimeAsync(1_000)
    for (const [index, { endedAt }] of calls.entries()) {
      expect(endedAt[0]).toBeGreaterThanOrEqual(100 + index)
      expect(endedAt[0]).toBeLessThanOrEqual(104 + index)
    }
  })

  it('need no timer once no call is left that has one', async () => {
    const gate = new Gate()
    const { call, endedAt } = runningCall(gate, 100)
    expect(vi.getTimerCount()).toBe(1)
    gate.leave(call)
    await vi.advanceTimersByTimeAsync(100)
    expect(endedAt).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that passed already end the call at once', async () => {
    const { endedAt } = runningCall(new Gate(), -5)
    await vi.advanceTimersByTimeAsync(0)
    expect(endedAt).toEqual([0])
  })

  it('may lie further away than a timer reaches', async () => {
    const { endedAt } = runningCall(new Gate(), 60 * dayMs)
    await vi.advanceTimersToNextTimerAsync()
    expect(performance.now()).toBe(2 ** 31 - 1)
    expect(endedAt).toEqual([])
    await vi.advanceTimersByTimeAsync(60 * dayMs)
    expect(endedAt).toEqual([60 * dayMs])
  })

  it('are watched no longer when the last call has left a gate that is shut', async () => {
    const gate = new Gate()
    const { call } = runningCall(gate, 100)
    const idle = gate.shut()
    expect(vi.getTimerCount()).toBe(1)
    gate.leave(call)
    await idle
    expect(vi.getTimerCount()).toBe(0)
  })
})
