import { event } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import type { QueuePublisher } from './publisher.ts'
import { outcomeOf, placed, publisherOn, SlowDriver } from './publisher.test-harness.ts'

afterEach(() => void vi.useRealTimers())

describe('publishing while the broker is slow', () => {
  it('hands over as many as there is room for, and the others in their order', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver, { maxPublishingCount: 2 })
    const all = [0, 1, 2, 3].map((count) => publish(publisher, count))
    await slow.handedOver(2)
    expect(slow.counts).toEqual([0, 1])
    slow.produced[1]?.store()
    await slow.handedOver(3)
    expect(slow.counts).toEqual([0, 1, 2])
    for (const index of [0, 2, 3]) {
      await slow.handedOver(index + 1)
      slow.produced[index]?.store()
    }
    await Promise.all(all)
    expect(slow.counts).toEqual([0, 1, 2, 3])
  })

  it('refuses what is more than room and waiting room hold, and takes it again later', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver, { maxPublishingCount: 1 })
    const taken = [0, 1].map((count) => publish(publisher, count))
    await slow.handedOver(1)
    expect(await outcomeOf(publish(publisher, 2))).toMatchObject({
      code: 'resource_exhausted',
      reason: 'publishing_backlog',
      message: 'too many messages wait to be published',
      details: { retryDelayMs: 1_000 },
    })
    slow.produced[0]?.store()
    await taken[0]
    const third = publish(publisher, 3)
    await slow.handedOver(2)
    slow.produced[1]?.store()
    await slow.handedOver(3)
    slow.produced[2]?.store()
    await Promise.all([...taken, third])
    expect(slow.counts).toEqual([0, 1, 3])
  })

  it('counts bytes too', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver, { maxPublishingBytes: 1_024 })
    const key = 'k'.repeat(300)
    const [first, second] = [0, 1].map((count) => publisher.publish(placed, { orderId: 'k', count }, { key }))
    await slow.handedOver(1)
    expect(await outcomeOf(publisher.publish(placed, { orderId: 'k', count: 2 }, { key }))).toMatchObject({
      code: 'resource_exhausted',
    })
    expect(slow.counts).toEqual([0])
    slow.produced[0]?.store()
    await slow.handedOver(2)
    slow.produced[1]?.store()
    await Promise.all([first, second])
  })

  it('gives room back after a failure', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver, { maxPublishingCount: 1 })
    const [first, second] = [0, 1].map((count) => outcomeOf(publish(publisher, count)))
    await slow.handedOver(1)
    slow.produced[0]?.refuse(new ServiceError('unavailable', 'away'))
    expect(await first).toMatchObject({ code: 'unavailable' })
    await slow.handedOver(2)
    slow.produced[1]?.store()
    expect(await second).toBe('published')
  })

  it('keeps the order of each key and loses nothing, whatever fails and gives up', async () => {
    for (const seed of [1, 2, 3, 4, 5]) await runAtRandom(randomOf(seed))
  })
})

describe('a signal', () => {
  it('that has fired already keeps the message from being sent', async () => {
    const slow = new SlowDriver()
    const publishing = publish(publisherOn(slow.driver), 0, AbortSignal.abort(new Error('no need')))
    expect(await outcomeOf(publishing)).toMatchObject({ code: 'cancelled', message: 'publishing was given up' })
    expect(slow.produced).toEqual([])
  })

  it('ends the wait for room, and what gave up is never sent', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver, { maxPublishingCount: 1 })
    const leaving = new AbortController()
    const first = publish(publisher, 0)
    const second = outcomeOf(publish(publisher, 1, leaving.signal))
    await slow.handedOver(1)
    leaving.abort()
    expect(await second).toMatchObject({ code: 'cancelled' })
    const third = publish(publisher, 2)
    slow.produced[0]?.store()
    await slow.handedOver(2)
    slow.produced[1]?.store()
    await Promise.all([first, third])
    expect(slow.counts).toEqual([0, 2])
  })

  it('ends the wait for a topic', async () => {
    const slow = new SlowDriver()
    const { promise: created, resolve } = Promise.withResolvers<void>()
    slow.ensure = () => created
    const publisher = publisherOn(slow.driver)
    const leaving = new AbortController()
    const first = outcomeOf(publish(publisher, 0, leaving.signal))
    const second = publish(publisher, 1)
    await new Promise((next) => setImmediate(next))
    leaving.abort(new ServiceError('deadline_exceeded', 'the deadline of a call passed'))
    expect(await first).toMatchObject({ code: 'deadline_exceeded' })
    resolve()
    await slow.handedOver(1)
    slow.produced[0]?.store()
    await second
    expect(slow.counts).toEqual([1])
  })

  it('is handed to the driver, whose failure then is that of the signal', async () => {
    const slow = new SlowDriver()
    const leaving = new AbortController()
    const publishing = outcomeOf(publish(publisherOn(slow.driver), 0, leaving.signal))
    await slow.handedOver(1)
    expect(slow.produced[0]?.bound.signal).toBe(leaving.signal)
    leaving.abort()
    slow.produced[0]?.refuse(new ServiceError('cancelled', 'the caller gave up at 10.0.0.7'))
    expect(await publishing).toMatchObject({ code: 'cancelled', message: 'publishing was given up' })
  })
})

describe('an asynchronous validator', () => {
  it('changes nothing in the order of messages, whatever fails', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver)
    const checks = [0, 1, 2, 3].map(() => Promise.withResolvers<boolean>())
    const event = checked(checks)
    const told = checks.map((_check, count) => outcomeOf(publisher.publish(event, { id: 'k', count })))
    checks[3]?.resolve(true)
    checks[1]?.resolve(false)
    expect(await told[1]).toMatchObject({ code: 'internal' })
    expect(slow.produced).toEqual([])
    checks[0]?.resolve(true)
    await slow.handedOver(1)
    checks[2]?.resolve(true)
    await slow.handedOver(3)
    expect(slow.counts).toEqual([0, 2, 3])
    for (const { store } of slow.produced) store()
    expect(await Promise.all(told)).toMatchObject(['published', { code: 'internal' }, 'published', 'published'])
  })

  it('is waited for by those behind it that need none', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver)
    const checks = [Promise.withResolvers<boolean>()]
    const event = checked(checks)
    for (const count of [0, 1]) void outcomeOf(publisher.publish(event, { id: 'k', count }))
    await new Promise((next) => setImmediate(next))
    expect(slow.produced).toEqual([])
    checks[0]?.resolve(true)
    await slow.handedOver(2)
    expect(slow.counts).toEqual([0, 1])
  })

  it('holds up no message of another kind', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver)
    void outcomeOf(publisher.publish(checked([Promise.withResolvers<boolean>()]), { id: 'k', count: 0 }))
    void outcomeOf(publish(publisher, 1))
    await slow.handedOver(1)
    expect(slow.produced[0]?.record.topic).toBe(placed.topic)
  })

  it('that hangs ends with the time, or with the signal, and lets the next go', async () => {
    vi.useFakeTimers()
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver, { requestTimeoutMs: 500 })
    const checks = [0, 1, 2].map(() => Promise.withResolvers<boolean>())
    const event = checked(checks)
    const leaving = new AbortController()
    const hangs = outcomeOf(publisher.publish(event, { id: 'k', count: 0 }))
    const leaves = outcomeOf(publisher.publish(event, { id: 'k', count: 1 }, { signal: leaving.signal }))
    leaving.abort()
    expect(await leaves).toMatchObject({ code: 'cancelled' })
    await vi.advanceTimersByTimeAsync(499)
    checks[2]?.resolve(true)
    const next = outcomeOf(publisher.publish(event, { id: 'k', count: 2 }))
    await vi.advanceTimersByTimeAsync(1)
    expect(await hangs).toMatchObject({ code: 'unavailable', message: 'a message could not be published' })
    await vi.advanceTimersByTimeAsync(0)
    expect(slow.counts).toEqual([2])
    slow.produced[0]?.store()
    expect(await next).toBe('published')
  })
})

describe('requestTimeoutMs', () => {
  it('ends the wait for a topic and for room as unavailable', async () => {
    vi.useFakeTimers()
    const slow = new SlowDriver()
    slow.ensure = () => new Promise(() => undefined)
    const waitsForTopic = outcomeOf(publish(publisherOn(slow.driver, { requestTimeoutMs: 500 }), 0))
    await vi.advanceTimersByTimeAsync(500)
    expect(await waitsForTopic).toMatchObject({ code: 'unavailable', message: 'a message could not be published' })
    slow.ensure = async () => undefined
    const full = publisherOn(slow.driver, { requestTimeoutMs: 500, maxPublishingCount: 1 })
    void outcomeOf(publish(full, 1))
    const waitsForRoom = outcomeOf(publish(full, 2))
    await vi.advanceTimersByTimeAsync(500)
    expect(await waitsForRoom).toMatchObject({ code: 'unavailable' })
    expect(slow.counts).toEqual([1])
  })

  it('is what the driver gets less the time that was waited', async () => {
    vi.useFakeTimers()
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver, { requestTimeoutMs: 500, maxPublishingCount: 1 })
    const first = publish(publisher, 0)
    const second = publish(publisher, 1)
    await vi.advanceTimersByTimeAsync(200)
    slow.produced[0]?.store()
    await first
    await vi.advanceTimersByTimeAsync(0)
    expect(slow.produced.map(({ bound }) => bound.timeoutMs)).toEqual([500, 300])
    slow.produced[1]?.store()
    await second
  })

  it('leaves no timer behind', async () => {
    vi.useFakeTimers()
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver, { maxPublishingCount: 1 })
    const all = [0, 1].map((count) => publish(publisher, count))
    await vi.advanceTimersByTimeAsync(0)
    expect(vi.getTimerCount()).toBe(1)
    slow.produced[0]?.store()
    await vi.advanceTimersByTimeAsync(0)
    expect(vi.getTimerCount()).toBe(0)
    slow.produced[1]?.store()
    await Promise.all(all)
  })
})

/** An event whose messages are checked as the test says, each by its count. */
function checked(checks: readonly PromiseWithResolvers<boolean>[]) {
  const payload = z.object({ id: z.string(), count: z.number() }).refine(({ count }) => checks[count]?.promise ?? true)
  return event('shop.order.checked.v1', { key: 'id', payload })
}

function publish(publisher: QueuePublisher, count: number, signal?: AbortSignal): Promise<void> {
  return publisher.publish(placed, { orderId: 'k', count }, signal ? { signal } : {})
}

/** Publishes at random while the broker stores, fails and is waited for at random. */
async function runAtRandom(random: () => number): Promise<void> {
  const slow = new SlowDriver()
  const publisher = publisherOn(slow.driver, { maxPublishingCount: 3 })
  const stored = new Set<number>()
  const outcomes: Promise<readonly [number, unknown]>[] = []
  const open = new Set<number>()
  for (let count = 0; count < 200; count += 1) {
    const leaving = new AbortController()
    outcomes.push(outcomeOf(publish(publisher, count, leaving.signal)).then((outcome) => [count, outcome] as const))
    if (random() < 0.2) leaving.abort()
    if (random() < 0.5) await new Promise((next) => setImmediate(next))
    answer(slow, { random, stored, open })
  }
  let settled = false
  const all = Promise.all(outcomes).finally(() => (settled = true))
  while (!settled) {
    await new Promise((next) => setImmediate(next))
    answer(slow, { random, stored, open })
  }
  expect(slow.counts).toEqual(slow.counts.toSorted((one, other) => one - other))
  for (const [count, outcome] of await all)
    if (outcome === 'published') expect(stored).toContain(count)
    else expect(['cancelled', 'unavailable', 'resource_exhausted']).toContain((outcome as ServiceError).code)
  await publisher.flush(new AbortController().signal)
}

interface Broker {
  readonly random: () => number
  readonly stored: Set<number>
  /** Of those handed over, the answered. */
  readonly open: Set<number>
}

function answer(slow: SlowDriver, { random, stored, open: answered }: Broker): void {
  for (const [index, produced] of slow.produced.entries()) {
    if (answered.has(index) || random() < 0.3) continue
    answered.add(index)
    if (random() < 0.2) produced.refuse(new ServiceError('unavailable', 'away'))
    else {
      stored.add(Number(JSON.parse(String(produced.record.value)).count))
      produced.store()
    }
  }
}

/** Numbers from 0 to 1, the same for the same seed. @see Marsaglia, Xorshift RNGs, 2003 */
function randomOf(seed: number): () => number {
  let state = seed * 2_654_435_761
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
