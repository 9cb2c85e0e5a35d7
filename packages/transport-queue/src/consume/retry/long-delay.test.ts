import { ServiceError } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import { connected, embeddedDrivers, type NewBroker } from '../../queue-driver.test-harness.ts'
import type { QueueDriver } from '../../queue-driver.ts'
import { countdown } from '../../queue-transport.test-harness.ts'
import { consume, type Handle, send, topic, untilParked } from './retry.test-harness.ts'

const hourMs = 3_600_000
const retry = { initialDelayMs: hourMs, maxDelayMs: hourMs, maxAgeMs: 24 * hourMs }

/** A clock that stands still until it is set. What waits ends when its time has come. */
function settable(startedAt: number) {
  let now = startedAt
  const waits = new Set<() => void>()
  return {
    now: () => now,
    wait: (durationMs: number, signal: AbortSignal) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const dueAt = now + durationMs
      const look = () => void (now >= dueAt && resolve())
      waits.add(look)
      signal.addEventListener('abort', () => resolve(), { once: true })
      if (signal.aborted) resolve()
      // Short waits are those between tries of what a broker does, and nobody moves the clock for them.
      if (durationMs < hourMs / 2) setImmediate(resolve)
      return promise.finally(() => waits.delete(look))
    },
    set: (at: number) => {
      now = at
      for (const look of waits) look()
    },
  }
}

/** Resolves when all that is read back first has been taken. */
function untilTaken(driver: QueueDriver): Promise<void> {
  const { reached, tick } = countdown(1)
  const read = driver.read.bind(driver)
  const watched: QueueDriver['read'] = async function* (range, bound) {
    for await (const records of read(range, bound)) {
      yield records
      if (range.toOffset === undefined) tick()
    }
  }
  Object.assign(driver, { read: watched })
  return reached
}

describe.each(embeddedDrivers)('a message that waits for an hour on %s', (_name, newBroker: NewBroker) => {
  it('waits for the rest of it after a restart, and comes before those of its key', async () => {
    const newDriver = newBroker()
    const first = await connected(newDriver())
    await first.ensureTopics([{ topic, partitionCount: 2 }])
    const beganAt = Date.now()
    const refuse: Handle = async ({ orderId }) => {
      if (orderId === 'late') throw new ServiceError('unavailable', 'not now')
    }
    const before = await consume(first, refuse, { clock: settable(beganAt), retry, random: () => 1 })
    await send(first, ['late', 'a', 'b', 'c'])
    await untilParked(before.transport, 1)
    await send(first, ['late'], 4)
    await untilParked(before.transport, 2)
    await before.server.drain(AbortSignal.timeout(5_000))
    const clock = settable(beganAt + 10 * 60_000)
    const seen: number[] = []
    const [free, all] = [countdown(1), countdown(4)]
    const handle: Handle = async ({ orderId, count }) => {
      seen.push(count)
      if (orderId !== 'late') free.tick()
      all.tick()
    }
    const second = await connected(newDriver())
    const taken = untilTaken(second)
    const after = await consume(second, handle, { clock, retry })
    await send(second, ['late', 'd'], 5)
    await free.reached
    await Promise.all([taken, untilParked(after.transport, 3)])
    expect(seen).toEqual([6])
    clock.set(beganAt + 61 * 60_000)
    await all.reached
    expect(seen).toEqual([6, 0, 4, 5])
  })
})
