import { event } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import type { QueuePublisher } from './publisher.ts'
import { outcomeOf, placed, publisherOn, SlowDriver } from './publisher.test-harness.ts'

const full = {
  code: 'resource_exhausted',
  reason: 'publishing_backlog',
  message: 'too many messages wait to be published',
  details: { retryDelayMs: 1_000 },
}

afterEach(() => void vi.useRealTimers())

describe('publishing while the broker is slow', () => {
  it('hands over at once all that there is room for, for it is the driver that keeps their order', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver, { maxPublishingCount: 4 })
    const all = [0, 1, 2, 3].map((count) => publish(publisher, count))
    await slow.handedOver(4)
    expect(slow.counts).toEqual([0, 1, 2, 3])
    for (const { store } of slow.produced) store()
    await Promise.all(all)
  })

  it('refuses what there is no room for, and takes it again later', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver, { maxPublishingCount: 2 })
    const taken = [0, 1].map((count) => publish(publisher, count))
    await slow.handedOver(2)
    expect(await outcomeOf(publish(publisher, 2))).toMatchObject(full)
    slow.produced[0]?.store()
    await taken[0]
    const third = publish(publisher, 3)
    await slow.handedOver(3)
    for (const { store } of slow.produced) store()
    await Promise.all([...taken, third])
    expect(slow.counts).toEqual([0, 1, 3])
  })

  it('counts bytes too', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver, { maxPublishingBytes: 1_024 })
    const key = 'k'.repeat(300)
    const first = publisher.publish(placed, { orderId: 'k', count: 0 }, { key })
    expect(await outcomeOf(publisher.publish(placed, { orderId: 'k', count: 1 }, { key }))).toMatchObject(full)
    slow.produced[0]?.store()
    await first
    const second = publisher.publish(placed, { orderId: 'k', count: 2 }, { key })
    await slow.handedOver(2)
    slow.produced[1]?.store()
    await second
    expect(slow.counts).toEqual([0, 2])
  })

  it('gives room back after a failure', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver, { maxPublishingCount: 1 })
    const first = outcomeOf(publish(publisher, 0))
    await slow.handedOver(1)
    slow.produced[0]?.refuse(new ServiceError('unavailable', 'away'))
    expect(await first).toMatchObject({ code: 'unavailable' })
    const second = outcomeOf(publish(publisher, 1))
    await slow.handedOver(2)
    slow.produced[1]?.store()
    expect(await second).toBe('published')
  })

  it('has no stack to run out of when its driver throws', async () => {
    const { driver } = new SlowDriver()
    const first = Promise.withResolvers<void>()
    let count = 0
    const produce = () => {
      count += 1
      if (count === 1) return first.promise
      throw new Error('not connected')
    }
    const room = { maxPublishingCount: 20_000, maxPublishingBytes: 12_000_000 }
    const publisher = publisherOn(Object.assign(driver, { produce }), room)
    // The first leaves no room for the second, and that holds up those behind it, if any order of turns is kept here.
    const large = [11_999_000, 1_000].map((length) => ({ headers: { text: 'x'.repeat(length) } }))
    const all = large.map((options) => outcomeOf(publisher.publish(placed, { orderId: 'k', count: 0 }, options)))
    for (let index = 0; index < 5_000; index += 1) all.push(outcomeOf(publish(publisher, index)))
    first.reject(new Error('not connected'))
    const codes = new Set((await Promise.all(all)).map((error) => (error as ServiceError).code))
    expect(codes).toEqual(new Set(['internal', 'resource_exhausted']))
  })
})

describe('a signal', () => {
  it('that has fired already keeps the message from being sent', async () => {
    const slow = new SlowDriver()
    const publishing = publish(publisherOn(slow.driver), 0, AbortSignal.abort(new Error('no need')))
    expect(await outcomeOf(publishing)).toMatchObject({ code: 'cancelled', message: 'publishing was given up' })
    expect(slow.produced).toEqual([])
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

  it('that hangs takes room, so that no more than that wait for it', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver, { maxPublishingCount: 10 })
    const event = checked([Promise.withResolvers<boolean>()])
    const told: unknown[] = []
    for (let count = 0; count < 50; count += 1)
      void publisher.publish(event, { id: 'k', count: 0 }).catch((error: unknown) => told.push(error))
    await new Promise((next) => setImmediate(next))
    expect(told).toHaveLength(40)
    expect(told).toMatchObject(Array(40).fill(full))
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
  it('ends the wait for a topic as unavailable', async () => {
    vi.useFakeTimers()
    const slow = new SlowDriver()
    slow.ensure = () => new Promise(() => undefined)
    const publishing = outcomeOf(publish(publisherOn(slow.driver, { requestTimeoutMs: 500 }), 0))
    await vi.advanceTimersByTimeAsync(500)
    expect(await publishing).toMatchObject({ code: 'unavailable', message: 'a message could not be published' })
    expect(slow.produced).toEqual([])
  })

  it('is what the driver gets less the time that was waited', async () => {
    vi.useFakeTimers()
    const slow = new SlowDriver()
    const { promise, resolve } = Promise.withResolvers<void>()
    slow.ensure = () => promise
    const publishing = publish(publisherOn(slow.driver, { requestTimeoutMs: 500 }), 0)
    await vi.advanceTimersByTimeAsync(200)
    resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(slow.produced.map(({ bound }) => bound.timeoutMs)).toEqual([300])
    slow.produced[0]?.store()
    await publishing
  })

  it('leaves no timer behind', async () => {
    vi.useFakeTimers()
    const slow = new SlowDriver()
    const { promise, resolve } = Promise.withResolvers<void>()
    slow.ensure = () => promise
    const publisher = publisherOn(slow.driver)
    const all = [0, 1].map((count) => publish(publisher, count))
    // Theirs, and that of the topic.
    expect(vi.getTimerCount()).toBe(3)
    resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(vi.getTimerCount()).toBe(0)
    for (const { store } of slow.produced) store()
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
