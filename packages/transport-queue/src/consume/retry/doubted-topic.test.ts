import { ServiceError } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import { connected, embeddedDrivers, type NewBroker } from '../../queue-driver.test-harness.ts'
import type { QueueDriver } from '../../queue-driver.ts'
import { countdown } from '../../queue-transport.test-harness.ts'
import { consume, type Handle, send, topic, untilParked } from './retry.test-harness.ts'

const retryTopic = `${topic}.retry.user`
const retry = { initialDelayMs: 3_600_000, maxDelayMs: 3_600_000 }
const later = { now: () => Date.now() + 7_200_000, wait: () => Promise.resolve() }

describe.each(embeddedDrivers)(
  'a broker on %s that does not know the retry topic though it is there',
  (_name, newBroker) => {
    it('is asked again where it says so in doubt, so that what was set aside comes before what follows it', async () => {
      const newDriver = await setAside(newBroker)
      const driver = await connected(newDriver())
      let askedCount = 0
      doubt(driver, () => (++askedCount <= 3 ? 'unavailable' : undefined))
      await send(driver, ['poison'], 62)
      const { seen, handle, all } = counting(3)
      await consume(driver, handle, { clock: later, retry })
      await all
      expect(seen).toEqual([0, 61, 62])
    })

    it('and is believed, costs the order of keys that were set aside, but does nothing anew that is done with', async () => {
      const newDriver = await setAside(newBroker)
      const first = await connected(newDriver())
      const { handle, all } = counting(2)
      const { server } = await consume(first, handle, { clock: later, retry, commitIntervalMs: 0 })
      await all
      await server.drain(AbortSignal.timeout(5_000))
      const doneOffset = await committedOffset(first)
      expect(doneOffset).toBeGreaterThan(1)
      const driver = await connected(newDriver())
      let isBelieved = true
      doubt(driver, () => (isBelieved ? 'not_found' : undefined))
      const again: number[] = []
      const free = countdown(10)
      const refuse: Handle = async ({ orderId, count }) => {
        if (count < 62) again.push(count)
        if (orderId === 'poison') throw new ServiceError('internal', 'not now')
        free.tick()
      }
      const { transport } = await consume(driver, refuse, { maxUncommittedCount: 20, commitIntervalMs: 0, retry })
      await send(driver, ['poison', ...others(60)], 62)
      await free.reached
      isBelieved = false
      await stored(driver, doneOffset)
      await untilParked(transport, 1)
      expect(again).toEqual([])
      expect(await committedOffset(driver)).toBeGreaterThanOrEqual(doneOffset)
    })
  },
)

/** A broker on which two messages of a key are set aside, before and behind others that are done with. */
async function setAside(newBroker: NewBroker): Promise<() => QueueDriver> {
  const newDriver = newBroker()
  const driver = await connected(newDriver())
  await driver.ensureTopics([{ topic, partitionCount: 2 }])
  await send(driver, ['poison', ...others(60), 'poison'])
  const free = countdown(60)
  const refuse: Handle = async ({ orderId }) => {
    if (orderId === 'poison') throw new ServiceError('internal', 'not now')
    free.tick()
  }
  const { server, transport } = await consume(driver, refuse, { maxUncommittedCount: 20, commitIntervalMs: 0, retry })
  await free.reached
  await untilParked(transport, 2)
  await server.drain(AbortSignal.timeout(5_000))
  return newDriver
}

/** What the broker says of the retry topic before it knows it, if anything. */
function doubt(driver: QueueDriver, refusal: () => 'not_found' | 'unavailable' | undefined): void {
  const describeTopic = driver.describe.bind(driver)
  driver.describe = async (of, group) => {
    const code = of === retryTopic ? refusal() : undefined
    if (code) throw new ServiceError(code, 'not known')
    return describeTopic(of, group)
  }
}

function counting(count: number) {
  const seen: number[] = []
  const { reached: all, tick } = countdown(count)
  const handle: Handle = async (payload) => {
    seen.push(payload.count)
    tick()
  }
  return { seen, handle, all }
}

function others(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `k${index % 10}`)
}

/** Resolves when more lies in the retry topic than that. */
async function stored(driver: QueueDriver, offset: number): Promise<void> {
  while (((await ofRetry(driver))?.nextOffset ?? 0) <= offset) await new Promise((resolve) => setImmediate(resolve))
}

async function committedOffset(driver: QueueDriver): Promise<number> {
  return (await ofRetry(driver))?.committedOffset ?? 0
}

async function ofRetry(driver: QueueDriver) {
  return (await driver.describe(retryTopic, 'user'))[0]
}
