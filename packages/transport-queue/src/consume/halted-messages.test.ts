import { ServiceError } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import { connected, embeddedDrivers, type NewBroker } from '../queue-driver.test-harness.ts'
import type { QueueDriver } from '../queue-driver.ts'
import type { QueueOptions } from '../queue-options.ts'
import type { QueueTransport } from '../queue-transport.ts'
import { countdown, logInto } from '../queue-transport.test-harness.ts'
import { consume, type Handle, send, topic, untilParked } from './retry/retry.test-harness.ts'

const user = { topic, group: 'user' }
const retry = { maxAttemptCount: 2, initialDelayMs: 1, maxDelayMs: 1, onExhausted: 'halt-key' } as const
const keys = (count: number) => Array.from({ length: count }, (_, index) => `k${index % 7}`)

interface Attempt {
  readonly count: number
  readonly attempt: number | undefined
}

/** A handler that fails with poison until it is cured, and what it was given of that. */
function poisoned(code: 'internal' | 'unavailable' | 'data_loss' = 'internal') {
  const seen: Attempt[] = []
  const state = { isCured: false }
  const watching = new Set<() => void>()
  const handle: Handle = async ({ orderId, count }, { attempt }) => {
    if (orderId === 'poison') seen.push({ count, attempt })
    for (const look of watching) look()
    if (orderId === 'poison' && !state.isCured) throw new ServiceError(code, 'not this one')
  }
  /** Resolves when so many attempts at poison were begun. */
  const reached = (count: number) =>
    new Promise<void>((resolve) => {
      const look = () => void (seen.length >= count && resolve())
      watching.add(look)
      look()
    })
  return { seen, state, handle, reached }
}

async function sent(newDriver: () => QueueDriver, of: readonly string[]): Promise<QueueDriver> {
  const driver = await connected(newDriver())
  await driver.ensureTopics([{ topic, partitionCount: 2 }])
  await send(driver, of)
  return driver
}

async function untilHalted(transport: QueueTransport, count: number): Promise<void> {
  const halted = async () => (await transport.consumers()).reduce((sum, { haltedCount }) => sum + haltedCount, 0)
  while ((await halted()) !== count) await new Promise((resolve) => setImmediate(resolve))
}

async function lettersOf(driver: QueueDriver): Promise<number> {
  const partitions = await driver.describe(`${topic}.dlq.user`, 'user')
  return partitions.reduce((sum, { nextOffset }) => sum + nextOffset, 0)
}

describe.each(embeddedDrivers)('a message whose attempts are used up, on %s', (_name, newBroker: NewBroker) => {
  it('is halted with what is behind it in its key, told once, and goes on with attempts anew', async () => {
    const driver = await sent(newBroker(), ['poison', 'poison'])
    const { seen, state, handle, reached } = poisoned()
    const told: unknown[] = []
    const { transport } = await consume(driver, handle, { log: logInto(told), delivery: { retry } })
    await untilHalted(transport, 1)
    const stage = { stage: 'halted', partition: 0, offset: 0, attemptCount: 2, code: 'internal' }
    expect(await transport.consumers()).toMatchObject([{ oldest: [stage], parkedCount: 0, haltedCount: 1, stalls: [] }])
    const facts = { peer: `${topic}/0@0`, offset: 0, code: 'internal', attempt: 2 }
    const errors = () => told.filter((line) => Array.isArray(line) && line[0] === 'error')
    const text =
      'failed for the last time; the message is halted, and what waits behind it, until it is given attempts anew'
    expect(errors()).toMatchObject([['error', facts, `consume ${topic} ${text}`]])
    // Still the same message: it is halted again, and told of again.
    expect(await transport.retryHalted(user)).toBe(1)
    await reached(4)
    await untilHalted(transport, 1)
    expect(errors()).toHaveLength(2)
    state.isCured = true
    expect(await transport.retryHalted(user)).toBe(1)
    await reached(6)
    expect(seen.map(({ count, attempt }) => [count, attempt])).toEqual([
      [0, 1],
      [0, 2],
      [0, 1],
      [0, 2],
      [0, 1],
      [1, 1],
    ])
    expect(await transport.retryHalted(user)).toBe(0)
    expect(await lettersOf(driver)).toBe(0)
  })

  it('is set aside with its key behind it when it holds up others, and goes on from there', async () => {
    const driver = await sent(newBroker(), ['poison', ...keys(40), 'poison', ...keys(40), 'poison'])
    const { seen, state, handle, reached } = poisoned()
    const others = countdown(80)
    const handleAll: Handle = (payload, arrival) => {
      if (payload.orderId !== 'poison') others.tick()
      return handle(payload, arrival)
    }
    const { transport } = await consume(driver, handleAll, { maxUncommittedCount: 10, delivery: { retry } })
    await others.reached
    await untilParked(transport, 3)
    expect(await transport.consumers()).toMatchObject([{ parkedCount: 3, haltedCount: 1 }])
    expect(seen).toHaveLength(2)
    state.isCured = true
    expect(await transport.retryHalted(user)).toBe(1)
    await reached(5)
    expect(seen.slice(2).map(({ count, attempt }) => [count, attempt])).toEqual([
      [0, 1],
      [41, 1],
      [82, 1],
    ])
    await untilParked(transport, 0)
  })

  it.each([
    ['in memory', 0, 0],
    ['set aside', 40, 2],
  ] as const)('goes on with attempts anew after a restart, %s', async (_where, otherCount, parkedCount) => {
    const newDriver = newBroker()
    const first = await sent(newDriver, ['poison', ...keys(otherCount), 'poison'])
    const before = poisoned()
    const settings: Partial<QueueOptions> = { maxUncommittedCount: 10, retry, commitIntervalMs: 0 }
    const { server, transport } = await consume(first, before.handle, settings)
    await untilHalted(transport, 1)
    await untilParked(transport, parkedCount)
    await server.drain(AbortSignal.timeout(5_000))
    const after = poisoned()
    const { transport: next } = await consume(await connected(newDriver()), after.handle, settings)
    await after.reached(2)
    await untilHalted(next, 1)
    after.state.isCured = true
    await next.retryHalted(user)
    await after.reached(4)
    expect(after.seen.map(({ count, attempt }) => [count, attempt])).toEqual([
      [0, 1],
      [0, 2],
      [0, 1],
      [otherCount + 1, 1],
    ])
  })

  it('halts a partition in order as a whole, and sets nothing aside', async () => {
    const driver = await sent(newBroker(), ['poison', ...keys(40)])
    const { state, handle } = poisoned()
    const order: number[] = []
    const others = countdown(40)
    const handleAll: Handle = async (payload, arrival) => {
      await handle(payload, arrival)
      order.push(payload.count)
      if (payload.orderId !== 'poison') others.tick()
    }
    const delivery = { retry: { ...retry, order: 'partition' } } as const
    const { transport } = await consume(driver, handleAll, { maxUncommittedCount: 10, delivery })
    await untilHalted(transport, 1)
    expect([order, (await transport.consumers())[0]?.parkedCount]).toEqual([[], 0])
    state.isCured = true
    await transport.retryHalted(user)
    await others.reached
    expect(order).toEqual(Array.from({ length: 41 }, (_, index) => index))
  })

  it('is halted when its age is used up, and buried when its code is never handled again', async () => {
    const aged = await sent(newBroker(), ['poison'])
    const { handle } = poisoned('unavailable')
    const { transport } = await consume(aged, handle, { delivery: { retry: { ...retry, maxAgeMs: 0 } } })
    await untilHalted(transport, 1)
    expect(await lettersOf(aged)).toBe(0)
    const lost = await sent(newBroker(), ['poison', 'poison', 'a'])
    const other = countdown(1)
    const gone = poisoned('data_loss')
    const handleAll: Handle = (payload, arrival) => {
      if (payload.orderId === 'a') other.tick()
      return gone.handle(payload, arrival)
    }
    const { transport: next } = await consume(lost, handleAll, { commitIntervalMs: 0, delivery: { retry } })
    await Promise.all([other.reached, gone.reached(2)])
    while ((await lettersOf(lost)) !== 2) await new Promise((resolve) => setImmediate(resolve))
    expect(await next.consumers()).toMatchObject([{ haltedCount: 0 }])
  })
})

describe('retryHalted', () => {
  it('says what is wrong with a selection, and what is not consumed here', async () => {
    const [, newBroker] = embeddedDrivers[0] ?? []
    if (newBroker === undefined) throw new Error('there is no driver')
    const driver = await sent(newBroker(), ['a'])
    const { transport } = await consume(driver, async () => undefined)
    const wrong: readonly (readonly [given: unknown, code: string, message: string])[] = [
      [undefined, 'invalid_argument', 'retryHalted: the selection must be { topic, group }, found a undefined'],
      [{ group: 'user' }, 'invalid_argument', 'retryHalted: topic must be a name, found nothing'],
      [{ topic, group: '' }, 'invalid_argument', 'retryHalted: group must be a name, found ""'],
      [{ topic }, 'not_found', `retryHalted: topic ${topic} is not consumed without a group here, or not yet`],
      [{ ...user, topic: 3 }, 'invalid_argument', 'retryHalted: topic must be a name, found 3'],
      [
        { ...user, grop: 'x' },
        'invalid_argument',
        'retryHalted: "grop" is no option, perhaps group is meant; expected topic, group',
      ],
      [
        { topic, group: 'other' },
        'not_found',
        `retryHalted: topic ${topic} is not consumed in group other here, or not yet`,
      ],
      [
        { ...user, topic: 'no.such.v1' },
        'not_found',
        'retryHalted: topic no.such.v1 is not consumed in group user here, or not yet',
      ],
    ]
    for (const [given, code, message] of wrong)
      await expect(transport.retryHalted(given as typeof user)).rejects.toMatchObject({ code, message })
    expect(await transport.retryHalted(user)).toBe(0)
  })
})
