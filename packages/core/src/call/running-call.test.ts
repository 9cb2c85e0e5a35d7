import { describe, expect, it, vi } from 'vitest'
import { ServiceError } from '../error/service-error.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Arrival } from './arrival.ts'
import { Gate } from './gate.ts'
import { RunningCall } from './running-call.ts'

const child = vi.fn(() => log)
const log: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child }

function callOf(arrival: Partial<Arrival> = {}): RunningCall {
  const facts = { id: 'a.A/echo', timeoutMs: undefined, log, forwarded: [] }
  return new RunningCall(facts, { transport: 'test', metadata: {}, decode: () => ({}), ...arrival }, new Gate())
}

const idFor = (requested: string | undefined) => callOf({ metadata: { 'x-request-id': requested } }).id
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

describe('id', () => {
  it.each(['1', 'req-1', 'a.b:c_d', '550e8400-e29b-41d4-a716-446655440000', 'x'.repeat(128)])(
    "is the caller's %s",
    (requested) => expect(idFor(requested)).toBe(requested),
  )

  it.each([undefined, '', ' ', 'a b', 'a\nb', '{"x":1}', 'ä', 'a/b', 'x'.repeat(129)])(
    'is made anew in the place of %j',
    (requested) => expect(idFor(requested)).toMatch(uuid),
  )

  it('stays the same', () => {
    const call = callOf()
    expect(call.id).toBe(call.id)
    expect(call.id).not.toBe(callOf().id)
  })
})

describe('log', () => {
  it('carries call and operation, and is made once', () => {
    child.mockClear()
    const call = callOf({ metadata: { 'x-request-id': 'req-1' } })
    expect(call.log).toBe(call.log)
    expect(child.mock.calls).toEqual([[{ callId: 'req-1', operation: 'a.A/echo' }]])
  })
})

describe('setHeader', () => {
  it('keeps the last value under a lower-case name', () => {
    const call = callOf()
    call.setHeader('X-Cost', '1')
    call.setHeader('x-cost', '2')
    call.setHeader('x-note', 'caf\u00e9\tand tab')
    expect(call.headers).toEqual({ 'x-cost': '2', 'x-note': 'caf\u00e9\tand tab' })
    expect(call.trailers).toBeUndefined()
  })

  it('is not setTrailer, whose names it may share', () => {
    const call = callOf()
    call.setTrailer('X-Cost', '1')
    call.setTrailer('x-cost', '2')
    expect([call.headers, call.trailers]).toEqual([undefined, { 'x-cost': '2' }])
  })

  it.each([
    ['x\r\nset-cookie: a=b', '1'],
    ['x y', '1'],
    ['', '1'],
    ['x:', '1'],
    ['x-note', 'a\r\nset-cookie: a=b'],
    ['x-note', 'a\nb'],
    ['x-note', 'a\0b'],
    ['x-note', '\u20ac'],
  ])('refuses %j: %j, which could forge a header', (name, value) => {
    const call = callOf()
    expect(() => call.setHeader(name, value)).toThrow(TypeError)
    expect(() => call.setTrailer(name, value)).toThrow(TypeError)
    expect([call.headers, call.trailers]).toEqual([undefined, undefined])
  })
})

describe('signal', () => {
  it('is aborted already when the caller left before anyone asked', () => {
    const signal = AbortSignal.abort()
    expect(callOf({ signal }).signal).toMatchObject({ aborted: true, reason: { code: 'cancelled' } })
  })

  it('fires when the caller leaves', () => {
    const caller = new AbortController()
    const { signal } = callOf({ signal: caller.signal })
    expect(signal.aborted).toBe(false)
    caller.abort()
    expect(signal).toMatchObject({ aborted: true, reason: { code: 'cancelled', message: 'the caller is gone' } })
  })

  it('is aborted already when the call ended with an error before anyone asked', () => {
    const call = callOf()
    const error = new ServiceError('deadline_exceeded', 'late')
    call.end(error)
    expect(call.signal).toMatchObject({ aborted: true, reason: error })
  })

  it('does not fire for a call that ended well, and keeps the first of two ends', () => {
    const call = callOf()
    const { signal } = call
    call.end()
    call.end(new ServiceError('unavailable', 'cut'))
    expect(signal.aborted).toBe(false)
    expect(call.hasEnded).toBe(true)
  })

  it.each([
    [1_000, 974, 'cancelled'],
    [1_000, 975, 'deadline_exceeded'],
    [1_000, 1_001, 'deadline_exceeded'],
    [10, 4, 'cancelled'],
    [10, 5, 'deadline_exceeded'],
    [undefined, 1_000, 'cancelled'],
  ])('of a caller that waits %s ms and leaves after %d ms fires as %s', (timeoutMs, leavesAfterMs, code) => {
    vi.useFakeTimers({ now: 0 })
    try {
      const caller = new AbortController()
      const { signal } = callOf({ signal: caller.signal, timeoutMs })
      vi.advanceTimersByTime(leavesAfterMs)
      caller.abort()
      expect(signal.reason).toMatchObject({ code })
    } finally {
      vi.useRealTimers()
    }
  })

  it("asks for the arrival's signal only when the handler asks for the call's, and once", () => {
    const asked = vi.fn(() => new AbortController().signal)
    const arrival = {
      get signal() {
        return asked()
      },
    }
    const call = new RunningCall(
      { id: 'a', timeoutMs: undefined, log, forwarded: [] },
      Object.defineProperties(
        { transport: 'test', metadata: {}, decode: () => ({}) },
        Object.getOwnPropertyDescriptors(arrival),
      ),
      new Gate(),
    )
    expect(asked).not.toHaveBeenCalled()
    expect(call.signal).toBe(call.signal)
    expect(asked).toHaveBeenCalledTimes(1)
  })
})

it('is the first attempt unless the transport says otherwise', () => {
  expect(callOf().attempt).toBe(1)
  expect(callOf({ attempt: 4 }).attempt).toBe(4)
})

it('never has less than no time left', () => {
  expect(callOf({ timeoutMs: -5 }).remainingMs()).toBe(0)
  expect(callOf().remainingMs()).toBe(Number.POSITIVE_INFINITY)
})
