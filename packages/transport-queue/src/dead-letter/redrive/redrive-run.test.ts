import { ServiceError } from '@tenon/core/transport'
import { expect, it } from 'vitest'
import type { QueueDriver } from '../../queue-driver.ts'
import { fakeClock, topic } from '../../queue-transport.test-harness.ts'
import { listAudits } from '../audit/list-audits.ts'
import { auditTopic } from '../audit/audit-record.ts'
import { bury, connect, owner, payloadsIn, recordsIn, selection, withChanges } from '../dead-letter.test-harness.ts'
import { redriveDeadLetters } from './redrive-dead-letters.ts'

const ten = Array.from({ length: 10 }, () => ({}))
/** One letter at a time. */
const slowly = { ...selection, ratePerSecond: 10 } as const
const counts = async (driver: QueueDriver) => (await payloadsIn(driver)).map(({ count }) => count)

it('tells who redrove which letters, when, with which selection and result', async () => {
  const driver = await connect('sqlite')
  await bury(driver, [{ key: 'a' }, { key: 'b', code: 'aborted' }])
  const clock = fakeClock(1_700_000_000_000)
  const where = { code: 'internal', key: 'a' } as const
  const { run, letters } = await redriveDeadLetters(driver, { ...selection, where, maxCount: 5, clock })
  await redriveDeadLetters(driver, { ...selection, by: 'ben', where: { code: 'aborted' } })
  const [first, second, ...others] = await listAudits(driver, owner)
  expect(others).toEqual([])
  expect(first).toEqual({
    run,
    by: 'anna',
    begunAt: 1_700_000_000_000,
    endedAt: 1_700_000_000_000,
    result: 'complete',
    error: undefined,
    selection: { where, maxCount: 5 },
    letters: [{ position: letters[0]?.position, redrivenAt: 1_700_000_000_000, patched: [] }],
  })
  expect(second).toMatchObject({ by: 'ben', letters: [{}] })
  expect(await listAudits(driver, { ...owner, by: 'ben' })).toEqual([second])
  expect(await listAudits(driver, { ...owner, letter: letters[0]?.position ?? '' })).toEqual([first])
  expect(await listAudits(driver, { ...owner, maxCount: 1 })).toEqual([second])
  expect(await listAudits(driver, { ...owner, group: 'nobody' })).toEqual([])
})

it.each<[options: object, problem: string]>([
  [{ by: '' }, 'by must be a line of text'],
  [{ letter: 'x' }, 'letter must be a position such as '],
  [{ maxCount: 0 }, 'maxCount must be a whole number'],
  [{ timeoutMs: 0 }, 'timeoutMs must be a whole number'],
  [{ who: 'anna' }, 'listAudits: "who" is no option'],
])('a list of audits refuses %o', async (options, problem) => {
  await expect(listAudits(await connect('memory'), { ...owner, ...options })).rejects.toThrow(problem)
})

it('what is no audit is passed over', async () => {
  const driver = await connect('memory')
  await bury(driver, ten)
  const headers = [['tenon-redrive-audit', Buffer.from('begun')] as const]
  const values = [
    '',
    '{',
    '[]',
    '{"kind":"begun"}',
    '{"kind":"redriven","run":"r","at":"2020-01-01T00:00:00Z","batch":1}',
  ]
  const record = { topic: auditTopic(owner), partition: 0, key: null }
  await driver.ensureTopics([{ topic: auditTopic(owner), partitionCount: 1 }])
  await driver.produce(
    values.map((value) => ({ ...record, headers, value: Buffer.from(value) })),
    { timeoutMs: 5_000 },
  )
  await driver.produce([{ ...record, headers: [], value: null }], { timeoutMs: 5_000 })
  expect(await listAudits(driver, owner)).toEqual([])
  expect((await redriveDeadLetters(driver, selection)).redrivenCount).toBe(10)
  expect(await listAudits(driver, owner)).toHaveLength(1)
})

it('a run that begins later takes the place of one that goes on, and together they are one', async () => {
  const driver = await connect('memory')
  await bury(driver, ten)
  let later: Promise<{ readonly redrivenCount: number }> | undefined
  const produce: QueueDriver['produce'] = async (records, bound) => {
    await driver.produce(records, bound)
    if (records[0]?.topic !== topic || (await recordsIn(driver, topic)).length !== 3) return
    // The older run sees it at its next message; its own wait is the time in which the older one ends.
    const clock = {
      ...fakeClock(),
      wait: () =>
        older.then(
          () => undefined,
          () => undefined,
        ),
    }
    later = redriveDeadLetters(driver, { ...selection, by: 'ben', clock })
    await expect.poll(() => listAudits(driver, { ...owner, by: 'ben' })).toHaveLength(1)
  }
  const older = redriveDeadLetters(withChanges(driver, { produce }), { ...slowly, clock: fakeClock() })
  await expect(older).rejects.toMatchObject({
    code: 'aborted',
    message:
      'ben has begun to redrive dead letters of the same group; 3 letters were redriven before, and are not again by another run',
  })
  expect(await later).toMatchObject({ redrivenCount: 7 })
  expect(await counts(driver)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect((await listAudits(driver, owner)).map(({ result }) => result)).toEqual(['replaced', 'complete'])
})

it('waits for what a run may have on its way that was killed, for the time of a request', async () => {
  const driver = await connect('memory')
  await bury(driver, ten)
  await redriveDeadLetters(dyingIn(driver, topic, 1), { ...slowly, timeoutMs: 4_000, clock: fakeClock() }).catch(
    () => undefined,
  )
  const clock = fakeClock()
  // What had been sent arrives while the next run waits.
  const wait = async (durationMs: number) => {
    await clock.wait(durationMs)
    await late?.()
    late = undefined
  }
  expect(await redriveDeadLetters(driver, { ...selection, timeoutMs: 7_000, clock: { ...clock, wait } })).toMatchObject(
    {
      redrivenCount: 9,
    },
  )
  expect(clock.waitedMs).toEqual([7_000])
  expect((await counts(driver)).toSorted((one, other) => one - other)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  const [killed] = await listAudits(driver, owner)
  expect(killed).toMatchObject({ result: 'open', endedAt: undefined, letters: [{ patched: [] }] })
  // The one that was killed is settled, so nobody waits for it any more.
  const again = fakeClock()
  expect((await redriveDeadLetters(driver, { ...selection, clock: again })).redrivenCount).toBe(0)
  expect(again.waitedMs).toEqual([])
})

it('leaves letters alone of which nobody can tell whether they went, unless it is said', async () => {
  const driver = await connect('memory')
  await bury(driver, ten)
  await redriveDeadLetters(dyingIn(driver, topic, 1), { ...selection, maxCount: 2 }).catch(() => undefined)
  late = undefined
  const describe: QueueDriver['describe'] = async (of, group) => {
    const progress = await driver.describe(of, group)
    return of === topic ? progress.map((one) => ({ ...one, earliestOffset: 5, nextOffset: 5 })) : progress
  }
  const forgetful = withChanges(driver, { describe })
  const options = { ...selection, clock: fakeClock() }
  const { letters } = await redriveDeadLetters(forgetful, options)
  expect(letters.map(({ outcome }) => outcome)).toEqual([
    'uncertain',
    'uncertain',
    ...Array.from({ length: 8 }, () => 'redriven'),
  ])
  expect((await listAudits(driver, owner))[0]).toMatchObject({
    letters: [{ redrivenAt: undefined }, { redrivenAt: undefined }],
  })
  expect((await redriveDeadLetters(driver, { ...selection, dryRun: true })).redrivenCount).toBe(0)
  const repeated = await redriveDeadLetters(driver, { ...selection, repeatUncertain: true })
  expect(repeated.redrivenCount).toBe(2)
  expect((await redriveDeadLetters(driver, { ...selection, repeatUncertain: true })).redrivenCount).toBe(0)
})

it('ends at its signal between two messages, and tells how far it came', async () => {
  const driver = await connect('memory')
  await bury(driver, ten)
  const stopping = new AbortController()
  const produce: QueueDriver['produce'] = async (records, bound) => {
    await driver.produce(records, bound)
    if (records[0]?.topic === topic) stopping.abort()
  }
  const options = { ...slowly, signal: stopping.signal, clock: fakeClock() }
  await expect(redriveDeadLetters(withChanges(driver, { produce }), options)).rejects.toMatchObject({
    code: 'cancelled',
    message: 'the caller gave up; 1 letters were redriven before, and are not again by another run',
  })
  expect(await listAudits(driver, owner)).toMatchObject([{ result: 'cancelled', letters: [{}] }])
  expect((await redriveDeadLetters(driver, selection)).redrivenCount).toBe(9)
})

it('a broker that takes no more ends it, with the reason in the audit', async () => {
  const driver = await connect('memory')
  await bury(driver, ten)
  const produce: QueueDriver['produce'] = async (records, bound) => {
    if (records[0]?.topic === topic) throw new ServiceError('not_found', 'the topic is not there')
    await driver.produce(records, bound)
  }
  await expect(redriveDeadLetters(withChanges(driver, { produce }), selection)).rejects.toMatchObject({
    code: 'not_found',
  })
  expect(await listAudits(driver, owner)).toMatchObject([{ result: 'failed', error: 'the topic is not there' }])
})

it('redrives letters of a topic of dead letters that was created anew, though others lay at their places', async () => {
  const driver = await connect('memory')
  await bury(driver, [{}, {}])
  expect((await redriveDeadLetters(driver, selection)).redrivenCount).toBe(2)
  // The same audit, and another topic of letters at the same places.
  const other = await connect('memory')
  await bury(other, [{ offset: 70 }, { offset: 71 }])
  const read: QueueDriver['read'] = (range, bound) =>
    (range.topic.endsWith('.dlq.user') ? other : driver).read(range, bound)
  const { letters } = await redriveDeadLetters(withChanges(driver, { read }), selection)
  expect(letters.map(({ outcome }) => outcome)).toEqual(['redriven', 'redriven'])
})

it('needs an audit, which others may have created', async () => {
  const driver = await connect('memory')
  await bury(driver, ten)
  const strict = withChanges(driver, { ensureTopics: () => Promise.reject(new Error('not allowed')) })
  await expect(redriveDeadLetters(strict, selection)).rejects.toMatchObject({
    code: 'failed_precondition',
    message: `topic ${auditTopic(owner)} is not there and could not be created`,
  })
  await driver.ensureTopics([{ topic: auditTopic(owner), partitionCount: 1 }])
  expect((await redriveDeadLetters(strict, selection)).redrivenCount).toBe(10)
})

it('waits for nobody where nothing is open, though a run never told its end', async () => {
  const driver = await connect('memory')
  await bury(driver, ten)
  const produce: QueueDriver['produce'] = async (records, bound) => {
    if (String(records[0]?.headers[0]?.[1]) === 'ended') throw new ServiceError('unavailable', 'killed')
    await driver.produce(records, bound)
  }
  await expect(redriveDeadLetters(withChanges(driver, { produce }), selection)).rejects.toThrow('killed')
  const clock = fakeClock()
  expect((await redriveDeadLetters(driver, { ...selection, clock })).redrivenCount).toBe(0)
  expect(clock.waitedMs).toEqual([])
})

/** What was on its way when its process ended. */
let late: (() => Promise<void>) | undefined

/** A process that ends as it sends to a topic for the n-th time; what it sends is on its way. */
function dyingIn(driver: QueueDriver, of: string, count: number): QueueDriver {
  let leftCount = count
  const produce: QueueDriver['produce'] = async (records, bound) => {
    if (leftCount > 0 && records[0]?.topic === of && --leftCount === 0) late = () => driver.produce(records, bound)
    if (leftCount === 0) throw new ServiceError('unavailable', 'killed')
    await driver.produce(records, bound)
  }
  return withChanges(driver, { produce })
}
