import { setImmediate } from 'node:timers/promises'
import type { Call } from '@tenon/core'
import { type FakeClock, fakeClock } from '@tenon/testing'
import { type MemoryBroker, memoryBroker, memoryDriver, queueTransport } from '@tenon/transport-queue'
import { httpTransport } from '@tenon/transport-http'
import { describe, expect, test } from 'vitest'
import { withJoin, withoutFetch } from '../queue/alive/changed-join.ts'
import { reasonOf, statusesOf } from '../queue/alive/probe.ts'
import { type ProbedOptions, type RunningProbed, send, startProbed } from '../queue/alive/probed-service.ts'

const topic = 'shop.order.placed.v1'
const group = 'count'
const now = '2026-01-01T00:00:00Z'
const stallAfterMs = 40_000
const minuteMs = 60_000
const queue = { maxHandlerMs: 10_000, stallAfterMs }

describe('the probes of a service with a queue', () => {
  test('are not live while messages are there and reading gives none', async () => {
    using clock = fakeClock({ now })
    const broker = memoryBroker({ partitionCount: 1 })
    await using probed = await start(broker, { clock, driver: withoutFetch(memoryDriver({ broker })) })
    await sendInto(broker, 'unseen')
    expect(await seenDuring(clock, stallAfterMs, probed)).toEqual(['200 200'])
    await clock.advance(stallAfterMs / 2)
    expect(await statusesOf(probed.at)).toBe('503 200')
    expect(await reasonOf(probed.at)).toContain('messages are there but are not given out, from offset 0')
  })

  test('are live and ready while the broker is away for five minutes, also with a handler that never ends', async () => {
    using clock = fakeClock({ now })
    const broker = memoryBroker({ partitionCount: 1 })
    const release = Promise.withResolvers<void>()
    await using probed = await start(broker, {
      clock,
      handle: () => release.promise,
      // So that it is not given up meanwhile.
      queue: { retry: { maxAttemptCount: 1_000 } },
    })
    await sendInto(broker, 'wedged')
    await clock.advance(1_000)
    broker.stop()
    expect(await seenDuring(clock, 5 * minuteMs, probed)).toEqual(['200 200'])
    broker.start()
    expect(await seenDuring(clock, stallAfterMs - 10_000, probed)).toEqual(['200 200'])
    // The broker answers again, and so it is the handler that does not come to an end.
    await clock.advance(stallAfterMs / 2)
    expect(await statusesOf(probed.at)).toBe('503 200')
    release.resolve()
    await clock.advance(0)
    expect([await statusesOf(probed.at), new Set(probed.handled)]).toEqual(['200 200', new Set(['wedged'])])
  })

  test('are live and ready while members come and go, and it is taken for dead again and again', async () => {
    using clock = fakeClock({ now })
    const broker = memoryBroker({ partitionCount: 4 })
    const driver = memoryDriver({ broker })
    await using probed = await start(broker, { clock, driver, handle: (_id, call) => pass(9_000, call) })
    for (let round = 0; round < 12; round++) {
      await sendInto(broker, `round ${round}`)
      // Who joins waits for what runs.
      const other = start(broker, { clock })
      expect(await seenDuring(clock, 10_000, probed)).toEqual(['200 200'])
      broker.evict(driver, { noticedAfterMs: 2_000 })
      expect(await seenDuring(clock, 5_000, probed)).toEqual(['200 200'])
      await (await other)[Symbol.asyncDispose]()
    }
    expect(probed.errors).toEqual([])
  })

  test('are ready with an empty assignment, where there are more processes than partitions', async () => {
    const broker = memoryBroker({ partitionCount: 1 })
    await using one = await start(broker)
    await using other = await start(broker)
    expect([await statusesOf(one.at), await statusesOf(other.at)]).toEqual(['200 200', '200 200'])
  })

  test('are not ready before its group is given its partitions, and not live when it never is', async () => {
    using clock = fakeClock({ now })
    const { probed, join } = await startLate(clock)
    expect(await seenDuring(clock, 4 * minuteMs, probed)).toEqual(['200 503'])
    expect(await reasonOf(probed.at)).toBe(`group ${group} has not been given its partitions yet`)
    await clock.advance(2 * minuteMs)
    expect(await statusesOf(probed.at)).toBe('503 503')
    join()
    await clock.advance(0)
    expect(await statusesOf(probed.at)).toBe('200 200')
  })

  test('are ready without it where the service has another transport, which takes work meanwhile', async () => {
    using clock = fakeClock({ now })
    const { probed, join } = await startLate(clock, { beside: [httpTransport({ port: 0 })] })
    expect(await seenDuring(clock, 4 * minuteMs, probed)).toEqual(['200 200'])
    expect(await reasonOf(probed.at)).toBe(`group ${group} has not been given its partitions yet`)
    join()
  })

  test('are not ready before the groups of all of its queues are given their partitions', async () => {
    using clock = fakeClock({ now })
    const broker = memoryBroker()
    const second = queueTransport({ name: 'second', topics: ['shop.stock.*'], driver: memoryDriver({ broker }) })
    const { probed, join } = await startLate(clock, { queue: { topics: [topic] }, beside: [second] })
    expect(await statusesOf(probed.at)).toBe('200 503')
    join()
    await clock.advance(0)
    expect(await statusesOf(probed.at)).toBe('200 200')
  })

  test('are live and not ready while it drains because its driver failed for good, and its exit code is 1', async () => {
    const broker = memoryBroker({ partitionCount: 1 })
    const [running, release, fail] = [
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
    ]
    const driver = withJoin(memoryDriver({ broker }), (membership) => {
      void fail.promise.then(() => membership.fail(new Error('no right to read')))
      return membership
    })
    const handle = async () => {
      running.resolve()
      await release.promise
    }
    await using probed = await start(broker, { driver, handle })
    await sendInto(broker, 'last')
    await running.promise
    fail.resolve()
    await expect.poll(() => statusesOf(probed.at)).toBe('200 503')
    release.resolve()
    expect((await probed.service.ended).exitCode).toBe(1)
    expect(probed.handled).toEqual(['last'])
    expect(probed.errors).toContain('a transport failed; the service stops')
  })
})

interface StartOptions extends Partial<ProbedOptions> {
  /** Whose time passes while it is stopped. @defaultValue the real one */
  readonly clock?: FakeClock
}

async function start(broker: MemoryBroker, { clock, ...options }: StartOptions = {}): Promise<RunningProbed> {
  const given = { driver: memoryDriver({ broker }), topic, group, ...options }
  const probed = await startProbed({ ...given, queue: { ...queue, ...options.queue } })
  return { ...probed, [Symbol.asyncDispose]: () => stop(probed, clock) }
}

async function stop({ service }: RunningProbed, clock: FakeClock | undefined): Promise<void> {
  let isOver = false
  const stopping = service.stop().finally(() => (isOver = true))
  for (; clock && !isOver; await setImmediate()) await clock.advance(100)
  await stopping
}

/** A service whose group is not joined before it is told to. */
async function startLate(clock: FakeClock, options: Partial<ProbedOptions> = {}) {
  const broker = memoryBroker()
  const turn = Promise.withResolvers<void>()
  const driver = withJoin(memoryDriver({ broker }), async (membership) => {
    await turn.promise
    return membership
  })
  await using _flow = clock.flow()
  const probed = await start(broker, { driver, clock, ...options, queue: { joinTimeoutMs: 0, ...options.queue } })
  return { probed, join: () => turn.resolve() }
}

/** What the probes say while time passes, each answer once. */
async function seenDuring(clock: FakeClock, durationMs: number, { at }: RunningProbed): Promise<readonly string[]> {
  const seen = new Set<string>()
  for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
    await clock.advance(stepMs)
    seen.add(await statusesOf(at))
  }
  return [...seen]
}

async function sendInto(broker: MemoryBroker, id: string): Promise<void> {
  await send(memoryDriver({ broker }), { topic }, [id])
}

function pass(durationMs: number, { signal }: Call): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, durationMs)
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

const stepMs = 5_000
