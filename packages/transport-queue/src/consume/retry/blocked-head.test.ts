import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { type Handle, topic } from '../../queue-transport.test-harness.ts'
import type { QueueDriver } from '../../queue-driver.ts'
import { pass, watchedConsumer } from '../watch/standstill.test-harness.ts'
import { readParked } from './write/parked-message.ts'

const retry = { initialDelayMs: 20, maxDelayMs: 3_600_000, maxAgeMs: 604_800_000 }
const options = { retry, maxUncommittedCount: 10, commitIntervalMs: 10 }

/** Messages of some keys fail, after others were handled: `h` for an hour each time, `p` once for some seconds. */
function failing() {
  const seen: string[] = []
  let isPoisoned = true
  const handle: Handle = async ({ orderId, count }) => {
    if (orderId === 'h') await later(3_600_000)
    if (orderId === 'p' && isPoisoned) {
      isPoisoned = false
      await later(11_000)
    }
    seen.push(`${orderId}${count}`)
  }
  return { handle, seen, of: (key: string) => seen.filter((one) => one.startsWith(key)) }
}

/** Fails in a second, so that it is set aside: the wait that it asks for is long. */
async function later(retryDelayMs: number): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  throw new ServiceError('unavailable', 'not now', { details: { retryDelayMs } })
}

test('a key whose messages are handled goes on in its place, though an older one of another key waits', async () => {
  const { handle, of } = failing()
  const { driver, send, report } = await watchedConsumer(handle, options)
  await send('hpaaaa')
  await pass(20_000)
  expect([of('p'), (await report())?.parkedCount]).toEqual([['p1'], 1])
  await send('pp')
  await pass(2_000)
  await send('pp')
  await pass(2_000)
  expect(of('p')).toEqual(['p1', 'p6', 'p7', 'p8', 'p9'])
  expect(await kindsIn(driver)).toEqual(['message', 'message', 'done'])
})

test('messages behind the oldest that was set aside are handled, however many there are', async () => {
  const { handle, of } = failing()
  const { send, report } = await watchedConsumer(handle, options)
  await send('hpaaaa')
  await pass(3_000)
  await send('pppppppppppppppppppppppppppppppppppppppp')
  await pass(5_000)
  expect([of('p'), (await report())?.parkedCount]).toEqual([[], 42])
  await pass(20_000)
  expect([of('p').length, (await report())?.parkedCount]).toEqual([41, 1])
})

test('what is done with behind the oldest is not handled again by another owner', async () => {
  const { handle, of } = failing()
  const { driver, broker, send, report } = await watchedConsumer(handle, options)
  await send('hpaaaa')
  await pass(20_000)
  await send('p')
  await pass(2_000)
  broker.evict(driver, { noticedAfterMs: 0 })
  await pass(5_000)
  await send('p')
  await pass(5_000)
  expect([of('p'), (await report())?.parkedCount]).toEqual([['p1', 'p6', 'p7'], 1])
})

test('an outage does not move a topic over while its oldest message runs', async () => {
  const handle: Handle = async ({ orderId }) => {
    if (orderId === 's') await new Promise((resolve) => setTimeout(resolve, 9_000))
    else if (orderId !== 'a') await later(100_000)
  }
  const { send, report } = await watchedConsumer(handle, { ...options, maxUncommittedCount: 100 })
  await send('saa')
  await pass(1_000)
  for (const key of 'bcdefgijkl') {
    await send(key)
    await pass(500)
  }
  await pass(1_500)
  expect((await report())?.parkedCount).toBe(2)
})

/** What the records of the retry topic say, but for which of them they are said of. */
async function kindsIn(driver: QueueDriver): Promise<readonly (string | undefined)[]> {
  const kinds: (string | undefined)[] = []
  for await (const records of driver.read({ topic: `${topic}.retry.user`, partition: 0, fromOffset: 0 }, bound))
    for (const record of records) kinds.push(readParked(record, topic)?.kind)
  return kinds
}

const bound = { timeoutMs: 1_000 }
