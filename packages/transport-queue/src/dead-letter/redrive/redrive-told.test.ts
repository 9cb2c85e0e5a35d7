import { ServiceError } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import type { PartitionProgress, QueueDriver } from '../../queue-driver.ts'
import { fakeClock, topic } from '../../queue-transport.test-harness.ts'
import { auditTopic, toRecord } from '../audit/audit-record.ts'
import { listAudits } from '../audit/list-audits.ts'
import { bury, connect, owner, recordsIn, selection, withChanges } from '../dead-letter.test-harness.ts'
import { deadLetterTopic } from '../dead-letter.ts'
import { redriveDeadLetters } from './redrive-dead-letters.ts'
import { type GroupProgress, readProgress, watchGroup } from './watch-group.ts'
import { resolveRedrive } from './redrive-options.ts'

const three = [{}, {}, {}]
/** One letter at a time. */
const slowly = { ...selection, ratePerSecond: 10 } as const

it('a run whose end cannot be stored tells how many letters it redrove', async () => {
  const driver = await connect('memory')
  await bury(driver, three)
  const failing = withChanges(driver, { produce: failingAt(driver, 'ended') })
  await expect(redriveDeadLetters(failing, selection)).rejects.toMatchObject({
    code: 'unavailable',
    message: 'no answer; 3 letters were redriven before, and are not again by another run',
    details: { run: expect.stringMatching(/^[0-9a-f-]{36}$/) as string, redrivenCount: 3 },
  })
})

it('a run that fails tells how many letters it redrove, also where it is none', async () => {
  for (const storedCount of [0, 2]) {
    const driver = await connect('memory')
    await bury(driver, three)
    let leftCount = storedCount
    const produce: QueueDriver['produce'] = async (records, bound) => {
      if (records[0]?.topic === topic && leftCount-- <= 0)
        throw new ServiceError('permission_denied', 'no', { reason: 'own', details: { more: 1 } })
      await driver.produce(records, bound)
    }
    const failing = redriveDeadLetters(withChanges(driver, { produce }), { ...slowly, clock: fakeClock() })
    const details = { redrivenCount: storedCount, run: expect.any(String) as string, more: 1 }
    await expect(failing).rejects.toMatchObject({ code: 'permission_denied', reason: 'own', details })
  }
})

it.each([
  ['the letters are selected', '.dlq.user'],
  ['an older batch is looked for', topic],
])('a signal that fires while %s ends it as cancelled', async (_when, of) => {
  const driver = await connect('memory')
  await bury(driver, three)
  const broken = withChanges(driver, { produce: failingAt(driver, 'redriven') })
  await redriveDeadLetters(broken, selection).catch(() => undefined)
  const stopping = new AbortController()
  const read: QueueDriver['read'] = (range, bound) => {
    if (range.topic.endsWith(of)) stopping.abort()
    return driver.read(range, bound)
  }
  const options = { ...selection, signal: stopping.signal, clock: fakeClock() }
  await expect(redriveDeadLetters(withChanges(driver, { read }), options)).rejects.toMatchObject({ code: 'cancelled' })
})

it('an audit that its broker does not know for a moment is read once it does', async () => {
  const driver = await connect('memory')
  await bury(driver, three)
  await redriveDeadLetters(driver, selection)
  const clock = fakeClock()
  const forgetful = withChanges(driver, { describe: forgettingAudit(driver, 5) })
  expect((await redriveDeadLetters(forgetful, { ...selection, clock })).redrivenCount).toBe(0)
  expect(clock.now()).toBe(400)
})

it.each(['gone', 'cut'] as const)('puts nothing back when its audit is %s', async (how) => {
  const driver = await connect('memory')
  await bury(driver, three)
  await redriveDeadLetters(driver, selection)
  const describe: QueueDriver['describe'] = async (of, group) => {
    const progress = await driver.describe(of, group)
    if (of !== auditTopic(owner)) return progress
    if (how === 'gone') throw new ServiceError('not_found', 'no such topic')
    return progress.map((one) => ({ ...one, nextOffset: 0 }))
  }
  const clock = fakeClock()
  const failing = redriveDeadLetters(withChanges(driver, { describe }), { ...selection, clock })
  await expect(failing).rejects.toMatchObject({
    code: 'unavailable',
    message: `topic ${auditTopic(owner)} lacks what was stored in it, or is gone; nothing more is put back`,
  })
  expect(clock.now()).toBe(1_000)
  expect(await recordsIn(driver, topic)).toHaveLength(3)
})

it('puts nothing back when its audit does not show what it just stored', async () => {
  const driver = await connect('memory')
  await bury(driver, three)
  await redriveDeadLetters(driver, selection)
  const read: QueueDriver['read'] = (range, bound) =>
    range.topic === auditTopic(owner) ? nothing() : driver.read(range, bound)
  const clock = fakeClock()
  await expect(redriveDeadLetters(withChanges(driver, { read }), { ...selection, clock })).rejects.toMatchObject({
    code: 'unavailable',
    message: `topic ${auditTopic(owner)} does not show what was stored in it`,
    details: { run: expect.any(String) as string, redrivenCount: 0 },
  })
  expect(clock.now()).toBe(1_000)
  expect(await recordsIn(driver, topic)).toHaveLength(3)
  const audits = await listAudits(driver, owner)
  expect(audits.map(({ result }) => result)).toEqual(['complete', 'failed'])
})

it('a beginning that the broker does not show at once is waited for', async () => {
  const driver = await connect('memory')
  await bury(driver, three)
  await redriveDeadLetters(driver, selection)
  const clock = fakeClock()
  const { nextOffset } = endOf(await driver.describe(auditTopic(owner)))
  const isSeenAfter = { count: 5 }
  const describe = withAuditAs(driver, (end) =>
    end.nextOffset > nextOffset && isSeenAfter.count-- > 0 ? { ...end, nextOffset } : end,
  )
  expect((await redriveDeadLetters(withChanges(driver, { describe }), { ...selection, clock })).redrivenCount).toBe(0)
  expect(clock.now()).toBe(500)
})

it('puts nothing back when its audit is a new one since it looked', async () => {
  const driver = await connect('memory')
  await bury(driver, three)
  await redriveDeadLetters(driver, selection)
  let hasBegun = false
  const produce: QueueDriver['produce'] = async (records, bound) => {
    await driver.produce(records, bound)
    hasBegun = true
  }
  const describe = withAuditAs(driver, (end) => (hasBegun ? { ...end, nextOffset: 1 } : end))
  const failing = redriveDeadLetters(withChanges(driver, { describe, produce }), { ...selection, clock: fakeClock() })
  await expect(failing).rejects.toMatchObject({
    code: 'unavailable',
    details: { run: expect.any(String) as string, redrivenCount: 0 },
  })
  expect(await recordsIn(driver, topic)).toHaveLength(3)
})

it('a run whose beginning cannot be stored tells its id', async () => {
  const driver = await connect('memory')
  await bury(driver, three)
  const failing = withChanges(driver, { produce: failingAt(driver, 'begun') })
  await expect(redriveDeadLetters(failing, selection)).rejects.toMatchObject({
    code: 'unavailable',
    details: { run: expect.any(String) as string, redrivenCount: 0 },
  })
})

describe('when retention has taken steps of the audit', () => {
  const minuteMs = 60_000
  /** The run that put the first two back is gone from the audit, a later one is kept that began at this moment. */
  async function forgotten(begunAt: number) {
    const driver = await connect('memory')
    await bury(driver, [{ failedAt: 1 }, { failedAt: 2 }])
    await redriveDeadLetters(driver, selection)
    const { nextOffset: earliestOffset } = endOf(await driver.describe(auditTopic(owner)))
    const step = { kind: 'begun', run: 'kept', at: begunAt, by: 'eve', selection: {} } as const
    await driver.produce([toRecord(owner, step)], { timeoutMs: 1_000 })
    return withChanges(driver, { describe: withAuditAs(driver, (end) => ({ ...end, earliestOffset })) })
  }

  it.each([{}, { dryRun: true }])(
    'letters that are older than what is left of it are uncertain, with %j',
    async (how) => {
      const driver = await forgotten(5_000)
      await bury(driver, [
        { offset: 7, failedAt: 5_000 + minuteMs - 1 },
        { offset: 8, failedAt: 5_000 + minuteMs },
      ])
      const { letters, warnings } = await redriveDeadLetters(driver, { ...selection, ...how })
      expect(letters.map(({ outcome }) => outcome)).toEqual(['uncertain', 'uncertain', 'uncertain', 'redriven'])
      expect(warnings[0]).toBe(
        `topic ${auditTopic(owner)} has lost its oldest steps, so nobody can tell whether 3 of the letters were redriven before: it has to keep records for ever (retention.ms=-1)`,
      )
    },
  )

  it.each([
    [{ keptMs: 1_000, isCompacted: false }, ['keeps its records for 1000 ms']],
    [{ keptMs: Number.POSITIVE_INFINITY, isCompacted: true }, ['is compacted']],
    [{ keptMs: Number.POSITIVE_INFINITY, isCompacted: false }, []],
  ])(
    'is said before where an audit that is there has the retention %j, by a rehearsal too',
    async (retention, said) => {
      const driver = await connect('memory')
      await bury(driver, three)
      await redriveDeadLetters(driver, selection)
      const kept = withChanges(driver, { retentionOf: async () => retention })
      const told = said.map((what) => expect.stringContaining(`topic ${auditTopic(owner)} ${what}: `) as string)
      for (const how of [{ dryRun: true }, {}]) {
        const { warnings } = await redriveDeadLetters(kept, { ...selection, ...how })
        expect(warnings).toEqual([...told, expect.stringContaining('never committed')])
      }
    },
  )

  it('those go that are wanted all the same', async () => {
    const driver = await forgotten(5_000)
    const { redrivenCount } = await redriveDeadLetters(driver, { ...selection, repeatUncertain: true })
    expect(redrivenCount).toBe(2)
  })

  it('a rehearsal says so where nothing is left of it', async () => {
    const driver = await connect('memory')
    await bury(driver, three)
    await redriveDeadLetters(driver, selection)
    const describe = withAuditAs(driver, (end) => ({ ...end, earliestOffset: end.nextOffset }))
    const { letters } = await redriveDeadLetters(withChanges(driver, { describe }), { ...selection, dryRun: true })
    expect(letters.map(({ outcome }) => outcome)).toEqual(['uncertain', 'uncertain', 'uncertain'])
  })

  it('a run that is about to miss what another began puts nothing more back', async () => {
    const driver = await connect('memory')
    await bury(driver, three)
    const isGone = { is: false }
    const produce: QueueDriver['produce'] = async (records, bound) => {
      await driver.produce(records, bound)
      if (records[0]?.topic === topic) isGone.is = true
    }
    const describe = withAuditAs(driver, (end) =>
      isGone.is ? { ...end, earliestOffset: end.nextOffset + 9, nextOffset: end.nextOffset + 9 } : end,
    )
    const failing = redriveDeadLetters(withChanges(driver, { describe, produce }), { ...slowly, clock: fakeClock() })
    await expect(failing).rejects.toMatchObject({ code: 'unavailable', details: { redrivenCount: 1 } })
    expect(await recordsIn(driver, topic)).toHaveLength(1)
  })
})

it('a rehearsal tells the same as a run does of letters that retention has taken since they were selected', async () => {
  const driver = await connect('memory')
  await bury(driver, three)
  const letterTopic = deadLetterTopic(topic, owner.group)
  const told = []
  for (const how of [{ dryRun: true }, {}]) {
    const selected = new Set<number>()
    const read: QueueDriver['read'] = (range, bound) => {
      const isGone = range.topic === letterTopic && selected.has(range.partition)
      if (range.topic === letterTopic) selected.add(range.partition)
      return driver.read(isGone ? { ...range, fromOffset: 2 } : range, bound)
    }
    const { letters, warnings } = await redriveDeadLetters(withChanges(driver, { read }), { ...selection, ...how })
    told.push({ letters, warnings })
  }
  expect(told[1]).toEqual(told[0])
  expect(told[0]?.letters.map(({ outcome }) => outcome)).toEqual(['gone', 'gone', 'redriven'])
})

it('what is gone by retention does not wait for the group', async () => {
  const driver = await connect('memory')
  await bury(driver, three)
  const kept: PartitionProgress = { partition: 0, earliestOffset: 8, nextOffset: 8, committedOffset: 2 }
  const fixed = withChanges(driver, { describe: async () => [kept] })
  const settings = resolveRedrive({ ...selection, watchMs: 1_000, clock: fakeClock() })
  const before: GroupProgress = await readProgress(fixed, settings)
  expect(before.lagCount).toBe(0)
  expect(await watchGroup(fixed, before, settings)).toBeUndefined()
})

it.each([
  ['that it may have on its way', { longestTailMs: 30_000, timeoutMs: 5_000 }, 35_000],
  ['of its own requests, if that is longer', { longestTailMs: 0, timeoutMs: 2_000 }, 7_000],
])('waits for what an older run left open as long as that run said %s', async (_what, older, waitedMs) => {
  const driver = await connect('memory')
  await bury(driver, three)
  const { longestTailMs, timeoutMs } = older
  const broken = withChanges(driver, { produce: failingAt(driver, 'redriven'), longestTailMs })
  await redriveDeadLetters(broken, { ...selection, timeoutMs }).catch(() => undefined)
  const clock = fakeClock()
  expect((await redriveDeadLetters(driver, { ...selection, timeoutMs: 7_000, clock })).redrivenCount).toBe(0)
  expect(clock.waitedMs).toEqual([waitedMs])
})

it('waits as long itself for what it may have on its way when a part of its batch is refused', async () => {
  const driver = await connect('memory')
  await bury(driver, three)
  const produce: QueueDriver['produce'] = async (records, bound) => {
    if (records[0]?.topic === topic && records.length > 1) throw new ServiceError('internal', 'refused')
    await driver.produce(records, bound)
  }
  const clock = fakeClock()
  const slow = withChanges(driver, { produce, longestTailMs: 30_000 })
  expect((await redriveDeadLetters(slow, { ...selection, timeoutMs: 7_000, clock })).redrivenCount).toBe(3)
  expect(clock.waitedMs).toEqual([37_000])
})

/** Fails every request to store a step of this kind. */
function failingAt(driver: QueueDriver, kind: string): QueueDriver['produce'] {
  return async (records, bound) => {
    if (String(records[0]?.headers[0]?.[1]) === kind) throw new ServiceError('unavailable', 'no answer')
    await driver.produce(records, bound)
  }
}

/** Knows nothing of the audit a number of times. */
function forgettingAudit(driver: QueueDriver, count: number): QueueDriver['describe'] {
  let leftCount = count
  return async (of, group) => {
    if (of === auditTopic(owner) && leftCount-- > 0) throw new ServiceError('not_found', 'no such topic')
    return driver.describe(of, group)
  }
}

/** Where the audit ends, told otherwise. */
function withAuditAs(
  driver: QueueDriver,
  told: (end: PartitionProgress) => PartitionProgress,
): QueueDriver['describe'] {
  return async (of, group) => {
    const progress = await driver.describe(of, group)
    return of === auditTopic(owner) ? progress.map(told) : progress
  }
}

function endOf([end]: readonly PartitionProgress[]): PartitionProgress {
  if (end === undefined) throw new Error('expected a partition')
  return end
}

async function* nothing(): AsyncGenerator<never> {}
