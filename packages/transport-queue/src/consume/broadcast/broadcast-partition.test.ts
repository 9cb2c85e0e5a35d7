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
