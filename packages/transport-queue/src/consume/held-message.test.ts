import type { Arrival } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import {
  countdown,
  deadLetters,
  fakeClock,
  firstSeen,
  headersOf,
  logInto,
  type Placed,
  seeded,
  start,
  toRecord,
} from '../queue-transport.test-harness.ts'

const startedAt = Date.parse('2026-01-01T00:00:00Z')

/** Messages of these keys, the first of which is held back for as long as `delayMs`. */
const heldBack = (keys: string, delayMs: number, headers: Readonly<Record<string, string>> = {}) =>
  Array.from(keys, (orderId, count) => {
    const held = { 'tenon-not-before': new Date(startedAt + delayMs).toISOString(), ...headers }
    return toRecord(JSON.stringify({ orderId, count }), orderId, count === 0 ? held : {})
  })

/** A clock that stands still until it is moved. */
function stillClock() {
  let now = startedAt
  const waiting = new Set<() => void>()
  return {
    now: () => now,
    moveTo(at: number) {
      now = at
      for (const look of waiting) look()
    },
    wait: (durationMs: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        const dueAt = now + durationMs
        const look = () => {
          if (now < dueAt && !signal.aborted) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        signal.addEventListener('abort', look, { once: true })
        look()
      }),
  }
}

test('a message that is held back holds up its key and no other, and no place', async () => {
  const broker = await seeded(heldBack('aabb', 60_000))
  const clock = stillClock()
  const seen: [count: number, at: number][] = []
  const others = countdown(2)
  const done = countdown(4)
  const handle = async ({ orderId, count }: Placed) => {
    seen.push([count, clock.now()])
    if (orderId === 'b') others.tick()
    done.tick()
  }
  const { transport } = await start(broker, handle, { clock, concurrency: 1, commitIntervalMs: 0 })
  await others.reached
  expect(seen).toEqual([
    [2, startedAt],
    [3, startedAt],
  ])
  // What lies behind it is not committed before it is.
  expect(await transport.consumers()).toMatchObject([{ lagCount: 4 }])
  clock.moveTo(startedAt + 59_999)
  await new Promise((resolve) => setImmediate(resolve))
  expect(seen).toHaveLength(2)
  clock.moveTo(startedAt + 60_000)
  await done.reached
  expect(seen.slice(2)).toEqual([
    [0, startedAt + 60_000],
    [1, startedAt + 60_000],
  ])
})

test.each([
  [3_600_000, []],
  [3_600_001, [{ offset: 0, heldUntil: '2026-01-01T01:00:00.001Z' }]],
])('a message that is held back for %i ms is told of, if that is more than an hour', async (delayMs, facts) => {
  const broker = await seeded(heldBack('a', delayMs))
  const told: unknown[] = []
  const handled = countdown(1)
  await start(broker, async () => handled.tick(), { clock: fakeClock(startedAt), log: logInto(told) })
  await handled.reached
  const text = 'a message is held back for long; its key waits, and so may its partition'
  expect(told).toEqual(facts.map((one) => ['warn', one, text]))
})

test('a message cannot be held back for longer than a publisher can say, unless the option says so', async () => {
  const broker = await seeded(heldBack('a', 86_400_000 + 60_001))
  const { onDeadLetter } = await start(broker, async () => undefined, { clock: fakeClock(startedAt) })
  await onDeadLetter
  expect(headersOf(broker.records(deadLetters)[0])['tenon-error-reason']).toBe('undecodable')
})

test('a moment that has passed holds nothing back', async () => {
  const broker = await seeded(heldBack('a', -1))
  const clock = fakeClock(startedAt)
  const handled = countdown(1)
  await start(broker, async () => handled.tick(), { clock })
  await handled.reached
  expect(clock.waitedMs).toEqual([])
})

test('a long wait is one of several, none longer than a timer takes', async () => {
  const broker = await seeded(heldBack('a', 2 ** 31 + 4_999))
  const clock = fakeClock(startedAt)
  const handled = countdown(1)
  await start(broker, async () => handled.tick(), { clock, maxDelayMs: 31_536_000_000 })
  await handled.reached
  expect(clock.waitedMs).toEqual([2 ** 31 - 1, 5_000])
})

test('a timer that fires too early is set again', async () => {
  const broker = await seeded(heldBack('a', 1_000))
  const clock = fakeClock(startedAt)
  const handledAt = Promise.withResolvers<number>()
  const early = { ...clock, wait: (durationMs: number) => clock.wait(Math.ceil(durationMs / 2)) }
  await start(broker, async () => handledAt.resolve(clock.now()), { clock: early })
  expect(await handledAt.promise).toBe(startedAt + 1_000)
})

test('a message that is held back beyond its expiry time is given up when that comes', async () => {
  const expiry = { ce_expirytime: new Date(startedAt + 5_000).toISOString() }
  const broker = await seeded(heldBack('aa', 60_000, expiry))
  const clock = fakeClock(startedAt)
  const seen: number[] = []
  const done = countdown(1)
  await start(
    broker,
    async ({ count }) => {
      seen.push(count)
      done.tick()
    },
    { clock },
  )
  await done.reached
  expect(seen).toEqual([1])
  expect(clock.waitedMs).toEqual([5_000])
  expect(headersOf(broker.records(deadLetters)[0])).toMatchObject({
    'tenon-error-reason': 'expired',
    'tenon-attempts': '0',
  })
})

test('a drain does not wait for a message that is held back; it comes again, as its first attempt', async () => {
  const broker = await seeded(heldBack('a', 60_000))
  const holding = countdown(1)
  const clock = stillClock()
  const { server } = await start(broker, async () => expect.unreachable(), {
    clock: {
      ...clock,
      wait: (durationMs, signal) => {
        holding.tick()
        return clock.wait(durationMs, signal)
      },
    },
  })
  await holding.reached
  await server.drain(new AbortController().signal)
  await server.close()
  const attempts: unknown[] = []
  const handled = countdown(1)
  const handle = async (_payload: Placed, { attempt }: Arrival) => {
    attempts.push(attempt)
    handled.tick()
  }
  await start(broker, handle, { clock: fakeClock(startedAt) })
  await handled.reached
  expect(attempts).toEqual([1])
})

test('one that is handled again is not held back again', async () => {
  const broker = await seeded(heldBack('a', 1_000))
  const clock = fakeClock(startedAt)
  const handled = countdown(1)
  const handle = async (_payload: Placed, { attempt }: Arrival) => {
    if (attempt === 2) return handled.tick()
    throw new Error('not yet')
  }
  await start(broker, handle, { clock, random: () => 1 })
  await handled.reached
  expect(clock.waitedMs).toEqual([1_000, 200])
  expect(await firstSeen(await seeded(heldBack('a', -1)))).toBe(0)
})

test('a broker that ends with the process tells of a message that is still held back', async () => {
  const broker = await seeded(heldBack('a', 60_000))
  const holding = countdown(1)
  const still = stillClock()
  const wait: typeof still.wait = (durationMs, signal) => {
    holding.tick()
    return still.wait(durationMs, signal)
  }
  const { server } = await start(broker, async () => expect.unreachable(), { clock: { ...still, wait } })
  await holding.reached
  const deadline = new AbortController()
  const finished = server.finish?.(deadline.signal)
  setImmediate(() => deadline.abort())
  await expect(finished).rejects.toThrow('messages are left that nobody else handles')
})
