import { event } from '@tenon/core/contract'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { outcomeOf, placed, publisherOn, SlowDriver } from './publisher.test-harness.ts'

const never = new AbortController().signal
const draining = { code: 'unavailable', reason: 'draining', message: 'the service is shutting down' }
const interrupted = { code: 'unavailable', reason: undefined, message: 'a message could not be published' }
const order = { orderId: 'k', count: 0 }

describe('closing a publisher', () => {
  it('waits for what is on its way', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver)
    const all = [0, 1].map((count) => outcomeOf(publisher.publish(placed, { ...order, count })))
    await slow.handedOver(2)
    const closing = publisher.close(never)
    slow.produced[0]?.store()
    expect(await Promise.race([closing, nextTurn()])).toBeUndefined()
    slow.produced[1]?.store()
    expect(await closing).toBe(0)
    expect(await Promise.all(all)).toEqual(['published', 'published'])
  })

  it('refuses what is published from then on, and afterwards', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver)
    const first = publisher.publish(placed, order)
    await slow.handedOver(1)
    const closing = publisher.close(never)
    expect(await outcomeOf(publisher.publish(placed, order))).toMatchObject(draining)
    slow.produced[0]?.store()
    await Promise.all([first, closing])
    expect(await outcomeOf(publisher.publish(placed, order))).toMatchObject(draining)
    expect(slow.produced).toHaveLength(1)
  })

  it('gives up what is being sent when its time is over, which may still arrive and says so', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver)
    const all = [0, 1, 2].map((count) => outcomeOf(publisher.publish(placed, { ...order, count })))
    await slow.handedOver(3)
    const ending = new AbortController()
    const closing = publisher.close(ending.signal)
    slow.produced[0]?.store()
    await nextTurn()
    ending.abort()
    expect(await closing).toBe(2)
    // The broker stores one of them all the same.
    slow.produced[1]?.store()
    slow.produced[2]?.refuse(new Error('closed'))
    expect(await Promise.all(all)).toMatchObject(['published', interrupted, interrupted])
  })

  it('sends nothing as it gives up, so that none overtakes an earlier one of its key', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver, { maxPublishingBytes: 2_048 })
    // With their headers, the first two do not go together, the first and the last do.
    const told = [1_500, 1_400, 10].map((length, count) =>
      outcomeOf(publisher.publish(placed, { ...order, count }, { headers: { text: 'x'.repeat(length) } })),
    )
    await slow.handedOver(1)
    await nextTurn()
    const before = slow.counts
    expect(await publisher.close(AbortSignal.abort())).toBeGreaterThan(0)
    expect(slow.counts).toEqual(before)
    await Promise.all(told)
  })

  it('gives up what waits for a topic, which is created too late', async () => {
    const slow = new SlowDriver()
    const { promise: created, resolve } = Promise.withResolvers<void>()
    slow.ensure = () => created
    const publisher = publisherOn(slow.driver)
    const publishing = outcomeOf(publisher.publish(placed, order))
    await nextTurn()
    expect(await publisher.close(AbortSignal.abort())).toBe(1)
    expect(await publishing).toMatchObject(draining)
    resolve()
    await nextTurn()
    expect(slow.produced).toEqual([])
  })

  it('waits for what is still being checked, and sends it', async () => {
    const slow = new SlowDriver()
    const { publishing, publisher, validated } = await checking(slow)
    const closing = publisher.close(never)
    validated.resolve(true)
    await slow.handedOver(1)
    slow.produced[0]?.store()
    expect(await closing).toBe(0)
    expect(await publishing).toBe('published')
  })

  it('gives up what is still being checked when its time is over, and never sends it', async () => {
    const slow = new SlowDriver()
    const { publishing, publisher, validated } = await checking(slow)
    expect(await publisher.close(AbortSignal.abort())).toBe(1)
    expect(await publishing).toMatchObject(draining)
    validated.resolve(true)
    await nextTurn()
    expect(slow.produced).toEqual([])
  })

  it('twice is closing once', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver)
    const publishing = outcomeOf(publisher.publish(placed, order))
    await slow.handedOver(1)
    const closings = [publisher.close(never), publisher.close(AbortSignal.abort())]
    slow.produced[0]?.store()
    expect(await Promise.all(closings)).toEqual([0, 0])
    expect(await publishing).toBe('published')
    publisher.clean()
    expect(await outcomeOf(publisher.publish(placed, order))).toMatchObject(draining)
  })
})

describe('a publisher that drains', () => {
  it('refuses what no call publishes, and takes it again once the drain is over', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver)
    publisher.drain()
    expect(await outcomeOf(publisher.publish(placed, order))).toMatchObject(draining)
    publisher.clean()
    const publishing = outcomeOf(publisher.publish(placed, order))
    await slow.handedOver(1)
    slow.produced[0]?.store()
    expect(await publishing).toBe('published')
  })

  it('is flushed when nothing is on its way, or when the time is over', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver)
    await publisher.flush(never)
    const publishing = publisher.publish(placed, order)
    await slow.handedOver(1)
    const ending = new AbortController()
    const cutShort = publisher.flush(ending.signal)
    const whole = publisher.flush(never).then(() => 'flushed')
    ending.abort()
    await cutShort
    expect(await Promise.race([whole, nextTurn()])).toBeUndefined()
    slow.produced[0]?.store()
    await publishing
    expect(await whole).toBe('flushed')
  })
})

/** A message whose validator takes its time. */
async function checking(slow: SlowDriver) {
  const validated = Promise.withResolvers<boolean>()
  const payload = z.object({ id: z.string().refine(() => validated.promise) })
  const publisher = publisherOn(slow.driver)
  const publishing = outcomeOf(publisher.publish(event('shop.name.given.v1', { key: 'id', payload }), { id: 'a' }))
  await nextTurn()
  return { publishing, publisher, validated }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
