import { expect, test } from 'vitest'
import { toIdleTime } from './idle-time.ts'

test.each([
  { keepAliveTimeoutMs: 72_000, delayMs: undefined, toldMs: 72_000, servedMs: 0 },
  { keepAliveTimeoutMs: 72_000, delayMs: 0, toldMs: 72_000, servedMs: 0 },
  { keepAliveTimeoutMs: 72_000, delayMs: 5_000, toldMs: 4_000, servedMs: 4_500 },
  { keepAliveTimeoutMs: 2_000, delayMs: 5_000, toldMs: 2_000, servedMs: 4_500 },
  { keepAliveTimeoutMs: 72_000, delayMs: 600, toldMs: 1, servedMs: 540 },
])(
  '$keepAliveTimeoutMs ms with a delay of $delayMs ms: callers are told $toldMs ms, served for $servedMs ms',
  (given) => {
    const { toldMs, untoldMs, servedMs } = toIdleTime(given.keepAliveTimeoutMs, given.delayMs)
    expect({ toldMs, servedMs }).toEqual({ toldMs: given.toldMs, servedMs: given.servedMs })
    // Whatever callers are told, a connection is kept for as long as the option says, and a second for who counts from later.
    expect(toldMs + untoldMs).toBe(given.keepAliveTimeoutMs + 1_000)
  },
)
