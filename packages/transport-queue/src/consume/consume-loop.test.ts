import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import {
  countdown,
  countsOf,
  deadLetters,
  fakeClock,
  firstSeen,
  headersOf,
  type Placed,
  seeded,
  start,
  toRecord,
} from '../queue-transport.test-harness.ts'

/** Messages of these keys, in this order, counted from 0. */
const ofKeys = (keys: string) =>
  Array.from(keys, (orderId, count) => toRecord(JSON.stringify({ orderId, count }), orderId))

test('messages of different keys are handled side by side, those of one key never', async () => {
  const broker = await seeded(ofKeys('abcabc'))
  const running = new Set<string>()
  const together = countdown(3)
  const done = countdown(6)
  const seen: Placed[] = []
  await start(broker, async (payload) => {
    expect(running.has(payload.orderId)).toBe(false)
    running.add(payload.orderId)
    together.tick()
    await together.reached
    running.delete(payload.orderId)
    seen.push(payload)
    done.tick()
  })
  await done.reached
  for (const [index, key] of ['a', 'b', 'c'].entries()) expect(countsOf(key, seen)).toEqual([index, index + 3])
})

test('no more run at a time than concurrency says', async () => {
  const broker = await seeded(ofKeys('abcdefgh'))
  let runningCount = 0
  const counts: number[] = []
  const done = countdown(8)
  const handle = async () => {
    counts.push(++runningCount)
    await Promise.resolve()
    runningCount -= 1
    done.tick()
  }
  await start(broker, handle, { concurrency: 2 })
  await done.reached
  expect(Math.max(...counts)).toBe(2)
})

test('a message that fails holds up its key and no other, and no place while it waits', async () => {
  const broker = await seeded(ofKeys('aabbb'))
  const seen: Placed[] = []
  const others = countdown(3)
  const again = Promise.withResolvers<void>()
  const done = countdown(5)
  const clock = { ...fakeClock(), wait: () => again.promise }
  const handle = async (payload: Placed, { attempt }: { readonly attempt?: number }) => {
    if (payload.count === 0 && attempt === 1) throw new ServiceError('unavailable', 'not now')
    seen.push(payload)
    if (payload.orderId === 'b') others.tick()
    done.tick()
  }
  await start(broker, handle, { concurrency: 1, clock })
  await others.reached
  expect(countsOf('a', seen)).toEqual([])
  again.resolve()
  await done.reached
  expect(countsOf('a', seen)).toEqual([0, 1])
})

test('only what lies before the oldest message without an outcome is committed', async () => {
  const broker = await seeded(ofKeys('aabc'))
  const held = Promise.withResolvers<void>()
  const others = countdown(3)
  const handle = async ({ count }: Placed) => {
    if (count === 1) await held.promise
    others.tick()
  }
  const { server } = await start(broker, handle, { commitIntervalMs: 0 })
  await others.reached
  // Cut, as when the process dies.
  await server.close()
  held.resolve()
  expect(await firstSeen(broker)).toBe(1)
})

test('a partition waits when too much is ahead of its oldest message', async () => {
  const broker = await seeded(ofKeys('abcd'))
  const driver = memoryDriver({ broker })
  const held = Promise.withResolvers<void>()
  const first = countdown(3)
  const all = countdown(6)
  const seen: number[] = []
  const handle = async ({ count }: Placed) => {
    seen.push(count)
    first.tick()
    if (count === 0) await held.promise
    all.tick()
  }
  const { transport } = await start(broker, handle, { maxUncommittedCount: 4 })
  await first.reached
  await driver.produce([toRecord('{"orderId":"e","count":4}', 'e'), toRecord('{"orderId":"f","count":5}', 'f')], {
    timeoutMs: 1,
  })
  // The broker has them; the loop does not ask for them.
  expect((await transport.consumers())[0]?.lagCount).toBe(6)
  expect(new Set(seen)).toEqual(new Set([0, 1, 2, 3]))
  held.resolve()
  await all.reached
  expect(new Set(seen)).toEqual(new Set([0, 1, 2, 3, 4, 5]))
})

test('messages without a key are handled side by side', async () => {
  const broker = await seeded(ofKeys('aa').map((record) => ({ ...record, key: null })))
  const together = countdown(2)
  await start(broker, async () => {
    together.tick()
    await together.reached
  })
  await together.reached
})

test('a handler has maxHandlerMs, after which the attempt has failed', async () => {
  const broker = await seeded(ofKeys('a'))
  const timeouts: unknown[] = []
  const handle = async (_payload: Placed, { timeoutMs }: { readonly timeoutMs?: number | undefined }) => {
    timeouts.push(timeoutMs)
    throw new ServiceError('deadline_exceeded', 'too late')
  }
  const options = { maxHandlerMs: 1_234, clock: fakeClock(), retry: { maxAttemptCount: 2 } }
  const { onDeadLetter } = await start(broker, handle, options)
  await onDeadLetter
  expect(timeouts).toEqual([1_234, 1_234])
  expect(headersOf(broker.records(deadLetters)[0])).toMatchObject({ 'tenon-error-code': 'deadline_exceeded' })
})

test('a handler that goes on though its time is over is not overtaken by its key', async () => {
  const broker = await seeded(ofKeys('aab'))
  const steps: string[] = []
  const others = countdown(1)
  const done = countdown(1)
  let arrival: { ended?(): void } | undefined
  const handle = async ({ orderId, count }: Placed, call: { readonly attempt?: number; ended?(): void }) => {
    if (orderId === 'b') return others.tick()
    steps.push(`${count}:${call.attempt}`)
    if (count === 0 && call.attempt === 1) {
      arrival = call
      throw new ServiceError('deadline_exceeded', 'too late')
    }
    // The dispatcher says so when a handler has ended.
    call.ended?.()
    if (count === 1) done.tick()
  }
  const neverOver = {
    ...fakeClock(),
    wait: (ms: number) => (ms === 600_000 ? new Promise<void>(() => {}) : Promise.resolve()),
  }
  await start(broker, handle, { clock: neverOver, maxHandlerMs: 600_000 })
  await others.reached
  expect(steps).toEqual(['0:1'])
  steps.push('ended')
  arrival?.ended?.()
  await done.reached
  expect(steps).toEqual(['0:1', 'ended', '0:2', '1:1'])
})

test('a handler that never ends is overtaken after as long again as it had', async () => {
  const broker = await seeded(ofKeys('a'))
  const clock = fakeClock()
  const handled = countdown(1)
  const handle = async (_payload: Placed, { attempt }: { readonly attempt?: number }) => {
    if (attempt === 1) throw new ServiceError('deadline_exceeded', 'too late')
    handled.tick()
  }
  await start(broker, handle, { clock, maxHandlerMs: 5_000, random: () => 1 })
  await handled.reached
  expect(clock.waitedMs).toEqual([5_000, 200])
})
