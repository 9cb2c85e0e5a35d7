import { expect, test } from 'vitest'
import type { MessageStage } from '../watch/consumer-report.ts'
import { FenceWaits } from './fence/fence-waits.ts'
import { KeyFence } from './fence/key-fence.ts'
import { OpenRecords } from './fence/open-records.ts'
import { Parking } from './parking.ts'
import type { AppendOutcome, MakeRecord } from './write/retry-writer.ts'

const key = Buffer.from('k')
const record = { topic: 'orders', partition: 0, offset: 4, timestampAt: 0, key, value: Buffer.alloc(0), headers: [] }
const history = { failureCount: 1, countedCount: 1, dueAt: 0, firstFailedAt: 0 }

/** Parking of one partition whose requests are answered, and whose waits are ended, by the test. */
function parked() {
  const fence = new KeyFence('key')
  const open = new OpenRecords(fence)
  const given = new AbortController()
  const { signal: revoked } = given
  const answers: ((outcome: AppendOutcome) => void)[] = []
  const waits: { readonly durationMs: number; readonly end: () => void }[] = []
  let storedCount = 0
  const append = (make: MakeRecord) => {
    make(answers.length + 1)
    return new Promise<AppendOutcome>((answer) => answers.push(answer))
  }
  const stages = new Map<number, MessageStage>()
  const parking = new Parking({
    topic: 'orders.retry.user',
    revoked,
    clock: { wait: (durationMs) => new Promise((end) => waits.push({ durationMs, end })) },
    fence,
    open,
    waits: new FenceWaits({ fence, open, revoked, lower: () => undefined }),
    writer: { append },
    log: { parked: () => undefined },
    owner: () => 'owner',
    stages: () => stages,
    stored: () => (storedCount += 1),
  })
  const readBack = (offset: number, sequence: number) =>
    open.fetch({ offset, sourceOffset: 4, place: fence.placeOf(key), hasFailed: true, storedAt: 0, sequence })
  const answer = async (outcome: AppendOutcome) => {
    answers.at(-1)?.(outcome)
    await turn()
  }
  const endWait = async () => {
    waits.at(-1)?.end()
    await turn()
  }
  const waitedMs = () => waits.map(({ durationMs }) => durationMs)
  return {
    parking,
    open,
    given,
    readBack,
    answer,
    endWait,
    waitedMs,
    askedCount: () => answers.length,
    stored: () => storedCount,
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a message is set aside once it was read back, though its answer is lost', async () => {
  const { parking, readBack } = parked()
  const setAside = parking.park(record, history)
  readBack(0, 1)
  await expect(setAside).resolves.toBe('stored')
})

test('a key is fenced from the request on, and not any more where that is refused', async () => {
  const { parking, answer, stored } = parked()
  const refused = parking.park(record, history)
  expect(parking.isFenced(key)).toBe(true)
  await answer('refused')
  expect([await refused, parking.isFenced(key), stored()]).toEqual(['refused', false, 0])
  const taken = parking.park(record, history)
  await answer('stored')
  expect([await taken, parking.isFenced(key), stored()]).toEqual(['stored', true, 1])
})

test('a follower waits a second for those before it where none waits for an attempt, and then goes behind them', async () => {
  const { parking, answer, readBack, endWait, waitedMs, askedCount } = parked()
  const first = parking.park(record, undefined)
  await answer('stored')
  await first
  const follower = parking.follow({ ...record, offset: 5 })
  expect([waitedMs(), askedCount()]).toEqual([[1_000], 1])
  await endWait()
  expect(askedCount()).toBe(2)
  readBack(1, 2)
  expect(await follower).toBe('parked')
})

test('a follower goes on by itself when those before it are done with', async () => {
  const { parking, open, answer, readBack, askedCount } = parked()
  const first = parking.park(record, history)
  await answer('stored')
  await first
  const follower = parking.follow({ ...record, offset: 5 })
  await answer('refused')
  readBack(0, 1)
  open.handled(0)
  open.committed(1)
  expect([await follower, askedCount()]).toEqual(['free', 2])
})

test('a follower that is refused is offered again after a rest, and given up with its partition', async () => {
  const { parking, given, answer, endWait, waitedMs, askedCount } = parked()
  const first = parking.park(record, history)
  await answer('stored')
  await first
  const follower = parking.follow({ ...record, offset: 5 })
  await answer('refused')
  expect([waitedMs(), askedCount()]).toEqual([[5_000], 2])
  await endWait()
  expect(askedCount()).toBe(3)
  given.abort()
  await answer('revoked')
  expect(await follower).toBe('revoked')
})
