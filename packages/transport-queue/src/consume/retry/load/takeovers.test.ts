import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { CountedRecords, type JudgedRecord, ownerName } from './counted-records.ts'
import { isLater, Takeovers, type TakeoverWord } from './takeovers.ts'

const committedOffset = 8
const judge = ownerName(committedOffset, 99)

interface Owner {
  readonly name: string
  readonly fromOffset: number
  readonly untilOffset: number
}

const owners = fc.array(
  fc
    .record({ fromOffset: fc.nat(12), beganAt: fc.nat(2), untilOffset: fc.nat(5).map((few) => 5 * few) })
    .map(({ fromOffset, beganAt, untilOffset }) => ({ name: ownerName(fromOffset, beganAt), fromOffset, untilOffset })),
  { minLength: 1, maxLength: 5 },
)
const drafts = fc.array(
  fc.record({
    kind: fc.constantFrom('message', 'message', 'message', 'done', 'takeover'),
    by: fc.nat(4),
    sourceOffset: fc.nat(12),
    doneOffsets: fc.uniqueArray(fc.nat(30), { maxLength: 3 }),
  }),
  { maxLength: 30 },
)

/** A log of some owners, who need not have kept to any order. */
const logs = fc.tuple(owners, drafts).map(([known, drawn]) =>
  drawn.flatMap(({ kind, by, sourceOffset, doneOffsets }, offset): readonly JudgedRecord[] => {
    const owner = known[by % known.length]
    return owner === undefined ? [] : [recordOf(owner, { kind, offset, sourceOffset, doneOffsets })]
  }),
)

test('what a log says counts as if each takeover had been looked at for each record', () => {
  const tally = { counting: 0, passed: 0 }
  fc.assert(
    fc.property(logs, (log) => {
      const counted = new CountedRecords({ owner: judge, committedOffset })
      for (const record of log) counted.load(record)
      const isTakenOver = counted.endLoading()
      const expected = oneByOne(log)
      expect([[...counted.loaded], isTakenOver]).toEqual([expected.offsets, expected.isTakenOver])
      tally.counting += expected.offsets.length
      tally.passed += log.length - expected.offsets.length
    }),
    { numRuns: 2_000 },
  )
  expect(Math.min(tally.counting, tally.passed)).toBeGreaterThan(1_000)
})

test('of owners that had read the same the one that began last fences what any before it said', () => {
  const takeovers = new Takeovers()
  for (const fromOffset of [2, 6, 4])
    takeovers.add({ owner: ownerName(fromOffset, 0), offset: 9, untilOffset: 5, fromOffset })
  const isTakenOver = (fromOffset: number) =>
    takeovers.isTakenOver({ owner: ownerName(fromOffset, 0), offset: 8, untilOffset: 5 })
  expect([3, 5, 6].map(isTakenOver)).toEqual([true, true, false])
})

test('what is asked of a hundred times as many takeovers takes a few times as many steps', () => {
  expect(stepsAmong(1_000)).toBeLessThan(5 * stepsAmong(10))
})

test('what is open is walked through as often whatever the number of takeovers', () => {
  expect(walksAmong(300)).toBe(walksAmong(3))
})

function recordOf(
  { name, fromOffset, untilOffset }: Owner,
  { kind, offset, sourceOffset, doneOffsets }: Pick<JudgedRecord, 'kind' | 'offset' | 'sourceOffset' | 'doneOffsets'>,
): JudgedRecord {
  const written = { kind, owner: name, sequence: offset + 1, offset }
  if (kind === 'message') return { ...written, sourceOffset }
  if (kind === 'takeover') return { ...written, sourceOffset: fromOffset, untilOffset }
  return { ...written, sourceOffset: 0, untilOffset, doneOffsets: doneOffsets ?? [] }
}

/** The same, said in the plainest way: all takeovers are looked at for each record. */
function oneByOne(log: readonly JudgedRecord[]) {
  let open: JudgedRecord[] = []
  const words = new Map<number, JudgedRecord[]>()
  for (const record of log) {
    const { kind, owner, sourceOffset, untilOffset = 0 } = record
    const rival = open.find((other) => other.sourceOffset === sourceOffset)
    if (kind === 'message' && !(rival && isLater(rival.owner, owner)))
      open = [...open.filter((other) => other !== rival), record]
    if (kind === 'done')
      for (const { offset } of open.filter((other) => record.doneOffsets?.includes(other.offset)))
        words.set(offset, [...(words.get(offset) ?? []), record])
    if (kind === 'takeover')
      open = open.filter(
        (other) => other.offset >= untilOffset || other.owner === owner || other.sourceOffset < sourceOffset,
      )
  }
  const due = open.filter(({ sourceOffset }) => sourceOffset < committedOffset)
  const takeovers = log.filter(({ kind }) => kind === 'takeover')
  const counting = due.filter(({ offset }) =>
    (words.get(offset) ?? []).every((word) => takeovers.some((takeover) => fences(takeover, word))),
  )
  return { offsets: counting.map(({ offset }) => offset), isTakenOver: due.length < open.length || counting.length > 0 }
}

function fences(takeover: JudgedRecord, word: JudgedRecord): boolean {
  const [readUntil, knownUntil] = [takeover.untilOffset ?? 0, word.untilOffset ?? 0]
  if (word.offset < readUntil) return false
  return knownUntil === readUntil ? isLater(takeover.owner, word.owner) : knownUntil < readUntil
}

/** How often something of a takeover is looked at where 1,000 messages and words lie between so many. */
function stepsAmong(count: number): number {
  let stepCount = 0
  const takeovers = new Takeovers()
  for (let index = 0; index < count; index++) {
    const untilOffset = ((index + 1) * 1_000) / count
    const counted = Object.defineProperty(wordOf(index, untilOffset), 'untilOffset', {
      get: () => ((stepCount += 1), untilOffset),
    })
    takeovers.add(counted)
  }
  stepCount = 0
  for (let offset = 0; offset < 1_000; offset++) {
    takeovers.leftToSource(offset, { owner: judge, sourceOffset: 0 })
    takeovers.isTakenOver({ owner: judge, offset, untilOffset: offset })
  }
  return stepCount
}

/** How often a map is walked through while a message is loaded that so many have taken over. */
function walksAmong(count: number): number {
  const counted = new CountedRecords({ owner: judge, committedOffset })
  const walks = vi.spyOn(Map.prototype, Symbol.iterator)
  const owner = { name: ownerName(0, 0), fromOffset: 0, untilOffset: 0 }
  counted.load(recordOf(owner, { kind: 'message', offset: 0, sourceOffset: 0 }))
  for (let offset = 1; offset <= count; offset++)
    counted.load(recordOf({ ...owner, untilOffset: offset }, { kind: 'takeover', offset, sourceOffset: 0 }))
  counted.endLoading()
  const walkCount = walks.mock.calls.length
  walks.mockRestore()
  return walkCount
}

/** One that says the less, the more its owner had read. */
function wordOf(index: number, untilOffset: number): TakeoverWord {
  return { owner: ownerName(index, 0), offset: untilOffset, untilOffset, fromOffset: index + 1 }
}
