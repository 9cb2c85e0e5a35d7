import { ServiceError } from '@tenon/core/transport'
import { expect, it } from 'vitest'
import type { ReceivedRecord } from '../../queue-driver.ts'
import { fakeClock, logInto } from '../../queue-transport.test-harness.ts'
import { BroadcastPartition } from './broadcast-partition.ts'

const topic = 'orders'

it.each([undefined, new Error('away')])(
  'ends its reading when it is given up, also where that fails: %s',
  async (failure) => {
    let openCount = 0
    const follow = async function* (): AsyncGenerator<readonly ReceivedRecord[], void, undefined> {
      openCount += 1
      try {
        for (let offset = 0; ; offset++)
          yield [{ topic, partition: 0, offset, timestampAt: 0, key: null, value: null, headers: [] }]
      } finally {
        openCount -= 1
        if (failure) await Promise.reject(failure)
      }
    }
    const driver = { follow, offsetsAt: async () => [0] }
    const delays = function* (): Generator<number, never> {
      for (;;) yield 1
    }
    const partition = new BroadcastPartition(
      { topic, partition: 0, fromOffset: 0 },
      { driver, clock: fakeClock(0), log: logInto([]), delays },
    )
    await partition.fetch()
    expect(openCount).toBe(1)
    partition.revoke()
    expect(await partition.fetch()).toEqual([])
    expect(openCount).toBe(0)
  },
)

it('tells anew of a quiet topic that was there again in between, and looks for it soon', async () => {
  let nowMs = 0
  const waits: number[] = []
  const told: unknown[] = []
  // How long each reading goes on until it is told that the topic is not there.
  const lastings = [0, 0, 3_600_000, 0, 0].values()
  const follow = async function* (): AsyncGenerator<readonly ReceivedRecord[], void, undefined> {
    const { value: lastedMs } = lastings.next()
    if (lastedMs === undefined) return partition.revoke()
    nowMs += lastedMs
    yield* []
    throw new ServiceError('not_found', 'no such topic')
  }
  const clock = {
    now: () => nowMs,
    wait: async (durationMs: number) => void waits.push(durationMs),
  }
  const delays = function* (): Generator<number, never> {
    for (let delayMs = 1; ; delayMs++) yield delayMs
  }
  const partition = new BroadcastPartition(
    { topic, partition: 0, fromOffset: 0 },
    { driver: { follow, offsetsAt: async () => [0] }, clock, log: logInto(told), delays },
  )
  await partition.fetch()
  expect(told).toHaveLength(2)
  expect(waits).toEqual([1, 2, 1, 2, 3])
})
