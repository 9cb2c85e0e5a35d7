import { ServiceError } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import { connected, embeddedDrivers, type NewBroker } from '../queue-driver.test-harness.ts'
import type { QueueDriver } from '../queue-driver.ts'
import { countdown, fakeClock } from '../queue-transport.test-harness.ts'
import { consume, type ConsumeOptions, type Handle, send, topic, untilParked } from './retry/retry.test-harness.ts'

/** A message that failed is set aside at once, since it waits for an hour, which the clock of a later process has behind it. */
const anHour = { initialDelayMs: 3_600_000, maxDelayMs: 3_600_000 }
const later = { now: () => Date.now() + 7_200_000, wait: () => Promise.resolve() }

const neverMade = { code: 'not_found' }
const retryTopic = `${topic}.retry.user`
const keys = (count: number) => Array.from({ length: count }, (_, index) => `k${index % 7}`)
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

/** Handles what a topic holds with a key that is poisoned, until all others are handled and the poisoned ones are set aside. */
async function parkPoison(newDriver: () => QueueDriver, parkedCount: number, options: ConsumeOptions): Promise<void> {
  const driver = await connected(newDriver())
  await driver.ensureTopics([{ topic, partitionCount: 2 }])
  await send(driver, ['poison', ...keys(20), ...Array<string>(parkedCount - 1).fill('poison')])
  const others = countdown(20)
  const refuse: Handle = async ({ orderId }) => {
    if (orderId === 'poison') throw new ServiceError('internal', 'not now')
    others.tick()
  }
  const { server, transport } = await consume(driver, refuse, { maxUncommittedCount: 10, ...options })
  await others.reached
  await untilParked(transport, parkedCount)
  await server.drain(AbortSignal.timeout(5_000))
}

describe.each(embeddedDrivers)('without an order, on %s', (_name, newBroker: NewBroker) => {
  it('messages of a key are handled side by side', async () => {
    const driver = await connected(newBroker()())
    await driver.ensureTopics([{ topic, partitionCount: 2 }])
    await send(driver, ['a', 'a', 'a'])
    const begun = countdown(3)
    const done = countdown(3)
    const handle: Handle = async () => {
      begun.tick()
      await begun.reached
      done.tick()
    }
    await consume(driver, handle, { delivery: { retry: { order: 'none' } } })
    await done.reached
  })

  it('one that waits for long is set aside alone, and goes on after a restart', async () => {
    const newDriver = newBroker()
    const driver = await connected(newDriver())
    await driver.ensureTopics([{ topic, partitionCount: 2 }])
    await send(driver, Array<string>(30).fill('a'))
    const others = countdown(29)
    const refuse: Handle = async ({ count }) => {
      if (count === 0) throw new ServiceError('internal', 'not now')
      others.tick()
    }
    const retry = { ...anHour, order: 'none' } as const
    const { server, transport } = await consume(driver, refuse, { maxUncommittedCount: 10, delivery: { retry } })
    await others.reached
    await untilParked(transport, 1)
    await server.drain(AbortSignal.timeout(5_000))
    await send(driver, ['a'], 30)
    const seen: (readonly [count: number, attempt: number | undefined])[] = []
    const done = countdown(2)
    const handle: Handle = async ({ count }, { attempt }) => {
      seen.push([count, attempt])
      done.tick()
    }
    await consume(await connected(newDriver()), handle, { clock: later, delivery: { retry } })
    await done.reached
    expect(seen.toSorted(([one], [other]) => one - other)).toEqual([
      [0, 2],
      [30, 1],
    ])
    const [partition] = await driver.describe(retryTopic, 'user')
    // The message, and the word of the second owner that it took over.
    expect(partition?.nextOffset).toBe(2)
  })
})

describe.each(embeddedDrivers)('a partition in order, on %s', (_name, newBroker: NewBroker) => {
  it('waits for its message, whatever the keys, through a restart, and sets nothing aside', async () => {
    const newDriver = newBroker()
    const first = await connected(newDriver())
    await first.ensureTopics([{ topic, partitionCount: 2 }])
    await send(first, keys(60))
    const order: number[] = []
    const failed = countdown(1)
    const refuse: Handle = async ({ count }) => {
      if (count === 20) {
        failed.tick()
        throw new ServiceError('unavailable', 'not now')
      }
      order.push(count)
    }
    const options = { maxUncommittedCount: 10, delivery: { retry: { ...anHour, order: 'partition' } } } as const
    const { server } = await consume(first, refuse, { ...options, commitIntervalMs: 0 })
    await failed.reached
    await server.drain(AbortSignal.timeout(5_000))
    expect(order).toEqual(numbers(0, 20))
    const done = countdown(41)
    const handle: Handle = async ({ count }, { attempt }) => {
      done.tick()
      if (count === 20 && attempt === 1) throw new ServiceError('internal', 'not yet')
      order.push(count)
    }
    await consume(await connected(newDriver()), handle, { ...options, clock: fakeClock(Date.now()) })
    await done.reached
    expect(order).toEqual(numbers(0, 60))
    await expect(first.describe(retryTopic, 'user')).rejects.toMatchObject(neverMade)
  })
})

describe.each(embeddedDrivers)('a release with another order, on %s', (_name, newBroker: NewBroker) => {
  it('handles what keys had set aside before the first message of a partition in order', async () => {
    const newDriver = newBroker()
    await parkPoison(newDriver, 4, { retry: anHour, commitIntervalMs: 0 })
    const driver = await connected(newDriver())
    await send(driver, ['free', 'poison', 'free'], 24)
    const order: number[] = []
    const left: number[] = []
    const done = countdown(7)
    const handle: Handle = async ({ count }) => {
      const [partition] = count === 24 ? await driver.describe(retryTopic, 'user') : []
      if (partition) left.push(partition.nextOffset - (partition.committedOffset ?? 0))
      order.push(count)
      done.tick()
    }
    const delivery = { retry: { order: 'partition' } } as const
    // Nobody would wait for a commit that comes by itself.
    await consume(driver, handle, { clock: later, commitIntervalMs: 60_000, delivery })
    await done.reached
    expect(order).toEqual([0, 21, 22, 23, 24, 25, 26])
    expect(left).toEqual([0])
  })

  it('loses nothing of what keys had set aside when there is no order any more', async () => {
    const newDriver = newBroker()
    await parkPoison(newDriver, 4, { retry: anHour, commitIntervalMs: 0 })
    const driver = await connected(newDriver())
    await send(driver, ['poison'], 24)
    const seen: number[] = []
    const done = countdown(5)
    const handle: Handle = async ({ count }) => {
      seen.push(count)
      done.tick()
    }
    await consume(driver, handle, { clock: later, delivery: { retry: { order: 'none' } } })
    await done.reached
    expect(seen.toSorted((one, other) => one - other)).toEqual([0, 21, 22, 23, 24])
  })

  it('keeps a key behind what was set aside of it without an order', async () => {
    const newDriver = newBroker()
    await parkPoison(newDriver, 1, { retry: { ...anHour, order: 'none' }, commitIntervalMs: 0 })
    const driver = await connected(newDriver())
    await send(driver, ['poison', 'free'], 21)
    const seen: number[] = []
    const done = countdown(3)
    const handle: Handle = async ({ count, orderId }) => {
      if (orderId === 'poison') seen.push(count)
      done.tick()
    }
    await consume(driver, handle, { clock: later })
    await done.reached
    expect(seen).toEqual([0, 21])
  })
})
