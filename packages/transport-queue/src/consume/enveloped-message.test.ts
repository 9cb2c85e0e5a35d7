import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Arrival } from '@tenon/core/transport'
import { expect, onTestFinished, test, vi } from 'vitest'
import {
  countdown,
  deadLetters,
  fakeClock,
  headersOf,
  type Placed,
  seeded,
  start,
  topic,
  toRecord,
} from '../queue-transport.test-harness.ts'

const startedAt = Date.parse('2026-01-01T00:00:00Z')
const contentType = { 'content-type': 'application/cloudevents+json' }

/** An event in structured mode. */
function eventOf(count: number, attributes: object = {}, headers: Readonly<Record<string, string>> = {}) {
  const envelope = { specversion: '1.0', id: `${count}`, source: 'shop', type: topic, ...attributes }
  const value = JSON.stringify({ ...envelope, data: { orderId: `${count}`, count } })
  return toRecord(value, `${count}`, { ...contentType, ...headers })
}

/** How many events are parsed from now on. */
function parseCount(): () => number {
  const parse = vi.spyOn(JSON, 'parse')
  onTestFinished(() => parse.mockRestore())
  return () => parse.mock.calls.filter(([text]) => text.includes('specversion')).length
}

test('events in structured mode are parsed once, and no more of them than may be handled', async () => {
  const broker = await seeded(Array.from({ length: 50 }, (_, count) => eventOf(count)))
  const parsedCount = parseCount()
  const [running, done, release] = [countdown(2), countdown(50), Promise.withResolvers<void>()]
  const handle = async () => {
    running.tick()
    await release.promise
    done.tick()
  }
  await start(broker, handle, { concurrency: 2 })
  await running.reached
  await new Promise((resolve) => setImmediate(resolve))
  expect(parsedCount()).toBe(2)
  release.resolve()
  await done.reached
  expect(parsedCount()).toBe(50)
})

test('others get their turn between two events in structured mode that take long to parse', async () => {
  const broker = await seeded(Array.from({ length: 6 }, (_, count) => eventOf(count, { extra: 'x'.repeat(400_000) })))
  const parse = JSON.parse
  const turns: number[] = []
  let turn = 0
  const next = () => {
    turn += 1
    ticking = setImmediate(next)
  }
  let ticking = setImmediate(next)
  const spy = vi.spyOn(JSON, 'parse').mockImplementation((text) => {
    if (text.includes('specversion')) {
      turns.push(turn)
      // As long as a large one takes.
      for (const until = performance.now() + 12; performance.now() < until; );
    }
    return parse(text)
  })
  onTestFinished(() => {
    clearImmediate(ticking)
    spy.mockRestore()
  })
  const done = countdown(6)
  await start(broker, async () => done.tick(), { concurrency: 6 })
  await done.reached
  expect(new Set(turns).size).toBe(6)
})

test('each further attempt has a payload of its own', async () => {
  const broker = await seeded([eventOf(0)])
  const parsedCount = parseCount()
  const done = countdown(1)
  const seen: Placed[] = []
  const handle = async (payload: Placed, { attempt }: Arrival) => {
    seen.push(payload)
    if (attempt === 3) return done.tick()
    throw new Error('not yet')
  }
  await start(broker, handle, { clock: fakeClock() })
  await done.reached
  expect(parsedCount()).toBe(3)
  expect(new Set(seen).size).toBe(3)
})

test('one that is held back, expired or broken keeps no place', async () => {
  const held = { 'tenon-not-before': new Date(startedAt + 60_000).toISOString() }
  const expired = { expirytime: new Date(startedAt).toISOString() }
  const broken = toRecord('{', 'broken', contentType)
  const broker = await seeded([eventOf(0, {}, held), eventOf(1, expired), broken, eventOf(2), eventOf(3)])
  const done = countdown(2)
  const clock = { now: () => startedAt, wait: (_ms: number, signal: AbortSignal) => untilFired(signal) }
  const seen: number[] = []
  const handle = async ({ count }: Placed) => {
    seen.push(count)
    done.tick()
  }
  await start(broker, handle, { clock, concurrency: 1 })
  await done.reached
  expect(seen).toEqual([2, 3])
  await expect
    .poll(() => new Set(broker.records(deadLetters).map((letter) => headersOf(letter)['tenon-error-reason'])))
    .toEqual(new Set(['expired', 'undecodable']))
})

test('nothing is kept of what one says while it is held back, for it is several times as large as its bytes', async () => {
  const held = { 'tenon-not-before': new Date(startedAt + 60_000).toISOString() }
  const broker = await seeded([eventOf(0, {}, held)])
  const documents: WeakRef<object>[] = []
  const parse = JSON.parse
  const spy = vi.spyOn(JSON, 'parse').mockImplementation((text: string) => {
    const document: object = parse(text)
    if (text.includes('specversion')) documents.push(new WeakRef(document))
    return document
  })
  onTestFinished(() => spy.mockRestore())
  const [holding, handled] = [countdown(1), countdown(1)]
  const due = Promise.withResolvers<void>()
  let now = startedAt
  const wait = (_ms: number, signal: AbortSignal) => {
    holding.tick()
    return Promise.race([due.promise, untilFired(signal)])
  }
  await start(broker, async () => handled.tick(), { clock: { now: () => now, wait } })
  await holding.reached
  // What mocks returned, they keep.
  spy.mockClear()
  // V8 may see it a while longer.
  await expect
    .poll(() => {
      collectGarbage()
      return documents.map((document) => document.deref() === undefined)
    })
    .toEqual([true])
  now += 60_000
  due.resolve()
  await handled.reached
  expect(documents).toHaveLength(2)
})

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

function untilFired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
