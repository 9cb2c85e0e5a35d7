import { ServiceError } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import { memoryBroker } from '../../driver/memory/memory-broker.ts'
import type { QueueDriver, RecordToSend } from '../../queue-driver.ts'
import { countdown, countsOf, fakeClock, type Placed, start } from '../../queue-transport.test-harness.ts'
import { bury, connect, type GivenLetter, payloadsIn, selection, withChanges } from '../dead-letter.test-harness.ts'
import { redriveDeadLetters } from './redrive-dead-letters.ts'

const keys = Array.from({ length: 20 }, (_, index) => `k${index}`)
/** Two of three are of a code that is redriven. */
const many = Array.from(
  { length: 500 },
  (_, index): GivenLetter => ({
    key: keys[(index * 7) % keys.length] ?? '',
    code: index % 3 === 0 ? 'aborted' : 'internal',
  }),
)
const wanted = many.flatMap(({ code }, index) => (code === 'internal' ? [index] : []))

describe.each(['memory', 'sqlite'] as const)('on %s', (name) => {
  it('redriving twice handles exactly the selected letters, once, in the order of each key', async () => {
    const driver = await connect(name)
    await bury(driver, many)
    const where = { code: 'internal' } as const
    const seen: Placed[] = []
    const done = countdown(wanted.length)
    const handle = async (payload: Placed) => {
      seen.push(payload)
      done.tick()
    }
    await start(memoryBroker(), handle, { driver })
    const first = await redriveDeadLetters(driver, { ...selection, where })
    const second = await redriveDeadLetters(driver, { ...selection, where })
    await done.reached
    expect([first.redrivenCount, second.redrivenCount]).toEqual([wanted.length, 0])
    expect(new Set(second.letters.map(({ outcome }) => outcome))).toEqual(new Set(['already_redriven']))
    expect(seen.map(({ count }) => count).toSorted((one, other) => one - other)).toEqual(wanted)
    for (const key of keys)
      expect(countsOf(key, seen)).toEqual(countsOf(key, seen).toSorted((one, other) => one - other))
    expect(await payloadsIn(driver)).toHaveLength(wanted.length)
  })

  it.each(['before', 'after'] as const)(
    'what a run leaves that is killed %s any of its requests is done by the next, once',
    async (when) => {
      const expected = wanted.filter((count) => count < 30)
      let requestCount = 0
      for (let isKilled = true; isKilled; ) {
        const driver = await connect(name)
        await bury(driver, many.slice(0, 30))
        const options = { ...selection, where: { code: 'internal' }, ratePerSecond: 100, clock: fakeClock() } as const
        const killed = redriveDeadLetters(killedAt(driver, ++requestCount, when), options)
        isKilled = await killed.then(() => false).catch((error: unknown) => String(error).includes('killed'))
        await redriveDeadLetters(driver, options)
        const payloads = await payloadsIn(driver)
        expect(payloads.map(({ count }) => count).toSorted((one, other) => one - other)).toEqual(expected)
        for (const key of keys)
          expect(countsOf(key, payloads)).toEqual(countsOf(key, payloads).toSorted((one, other) => one - other))
      }
      // Each of its two batches is three requests; there are a beginning and an end, and one more that it never made.
      expect(requestCount).toBe(9)
    },
    // Nine brokers, and two runs on each.
    30_000,
  )
})

/** A process that ends with one of its requests, before or after the broker has done what it asks for. */
function killedAt(driver: QueueDriver, requestCount: number, when: 'before' | 'after'): QueueDriver {
  let leftCount = requestCount
  let isDead = false
  const produce = async (records: readonly RecordToSend[], bound: Parameters<QueueDriver['produce']>[1]) => {
    const isLast = --leftCount === 0
    if (isDead || (isLast && when === 'before')) isDead = true
    else await driver.produce(records, bound)
    isDead ||= isLast
    if (isDead) throw new ServiceError('unavailable', 'killed')
  }
  return withChanges(driver, { produce })
}
