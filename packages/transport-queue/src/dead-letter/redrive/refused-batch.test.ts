import { expect, it } from 'vitest'
import { recordTooLarge } from '../../driver/record-too-large.ts'
import { byteCountOf } from '../../driver/record-size.ts'
import { ServiceError } from '@tenon/core/transport'
import type { QueueDriver, RecordToSend } from '../../queue-driver.ts'
import { fakeClock, topic } from '../../queue-transport.test-harness.ts'
import { bury, connect, owner, payloadsIn, selection, withChanges } from '../dead-letter.test-harness.ts'
import { listAudits } from '../audit/list-audits.ts'
import { redriveDeadLetters } from './redrive-dead-letters.ts'

const filling = 'x'.repeat(10_000)
const large = Array.from({ length: 100 }, (_, count) => ({ value: { orderId: 'k', count, filling } }))
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

it('sends letters in batches that a broker takes by its defaults, though there are many of 10 KB', async () => {
  const driver = await connect('memory')
  await bury(
    driver,
    [...large, ...large].map((letter, offset) => ({ ...letter, offset })),
  )
  const sizes: number[] = []
  const refusing = refusingBatches(driver, (records) => {
    sizes.push(sizeOf(records))
    return sizeOf(records) > 1_048_588
  })
  expect((await redriveDeadLetters(refusing, selection)).redrivenCount).toBe(200)
  expect(sizes.length).toBeLessThan(6)
  expect((await payloadsIn(driver)).map(({ count }) => count)).toEqual([...upTo(100), ...upTo(100)])
})

it('sends singly what is too large together, and less together from then on', async () => {
  const driver = await connect('memory')
  await bury(driver, large)
  const counts: number[] = []
  const refusing = refusingBatches(driver, (records) => {
    counts.push(records.length)
    return sizeOf(records) > 300_000
  })
  const clock = fakeClock()
  expect((await redriveDeadLetters(refusing, { ...selection, clock })).redrivenCount).toBe(100)
  expect((await payloadsIn(driver)).map(({ count }) => count)).toEqual(upTo(100))
  const together = counts.filter((count) => count > 1)
  expect(together[0]).toBeGreaterThan(40)
  expect(together.slice(1).every((count) => count <= 26)).toBe(true)
  expect(clock.waitedMs).toHaveLength(1)
  expect((await redriveDeadLetters(driver, selection)).redrivenCount).toBe(0)
})

it('tells which letter a broker never takes, and redrives all others once, in their order', async () => {
  const driver = await connect('memory')
  await bury(
    driver,
    upTo(20).map(() => ({})),
  )
  // What went to another partition than the refused one is stored all the same.
  const isRefused = (record: RecordToSend) => JSON.parse(String(record.value)).count === 7
  const produce: QueueDriver['produce'] = async (records, bound) => {
    if (records[0]?.topic !== topic || !records.some(isRefused)) return driver.produce(records, bound)
    await driver.produce(
      records.slice(0, 3).filter((record) => !isRefused(record)),
      bound,
    )
    throw new ServiceError('internal', 'the broker refused')
  }
  const options = { ...selection, clock: fakeClock() }
  const { letters, redrivenCount } = await redriveDeadLetters(withChanges(driver, { produce }), options)
  expect(letters.flatMap(({ outcome }, index) => (outcome === 'refused' ? [index] : []))).toEqual([7])
  expect(redrivenCount).toBe(19)
  expect((await payloadsIn(driver)).map(({ count }) => count)).toEqual(upTo(20).filter((count) => count !== 7))
  expect(await listAudits(driver, owner)).toMatchObject([{ result: 'complete', letters: { length: 19 } }])
  // A broker that takes it by now gets it, and nothing else.
  expect((await redriveDeadLetters(driver, options)).redrivenCount).toBe(1)
})

function sizeOf(records: readonly RecordToSend[]): number {
  return records.reduce((sum, record) => sum + byteCountOf(record), 0)
}

/** A broker that takes some requests to the topic not, for their size. */
function refusingBatches(driver: QueueDriver, isRefused: (records: readonly RecordToSend[]) => boolean): QueueDriver {
  const produce: QueueDriver['produce'] = async (records, bound) => {
    if (records[0]?.topic === topic && isRefused(records)) throw recordTooLarge('too large', undefined)
    await driver.produce(records, bound)
  }
  return withChanges(driver, { produce })
}
