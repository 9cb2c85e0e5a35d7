import { expect, it } from 'vitest'
import { type AuditStep, readStep, toRecord } from './audit-record.ts'
import { AuditTrail } from './audit-trail.ts'

const owner = { topic: 'shop.order.placed.v1', group: 'user' }
const letterOf = (offset: number) => ({ place: `0@${offset}`, source: `0@${offset}@1` })
const [one, two, three] = [letterOf(1), letterOf(2), letterOf(3)]
const of = (run: string) => ({ run, at: 1_000 })
const begun = (run: string): AuditStep => ({ ...of(run), kind: 'begun', by: 'anna', selection: {} })
const intended = (run: string, batch: number, letters = [one]): AuditStep => ({
  ...of(run),
  kind: 'intended',
  batch,
  letters,
  ends: { 0: 7 },
})
const redriven = (run: string, batch: number): AuditStep => ({ ...of(run), kind: 'redriven', batch })

function trailOf(...steps: readonly AuditStep[]): AuditTrail {
  const trail = new AuditTrail()
  for (const step of steps) trail.add(step)
  return trail
}

it('what was intended and told of is redriven, what was not is open', () => {
  const trail = trailOf(begun('a'), intended('a', 1), redriven('a', 1), intended('a', 2, [two]))
  expect([one, two].map((letter) => trail.isRedriven(letter))).toEqual([true, false])
  expect(trail.runs).toMatchObject([{ redriven: [{ ...one, redrivenAt: 1_000 }], open: { batch: 2 } }])
})

it('steps that come again change nothing, whatever is open by then', () => {
  const first = [begun('a'), intended('a', 1), redriven('a', 1)]
  const trail = trailOf(...first, intended('a', 2, [two]), ...first)
  expect(trail.isRedriven(two)).toBe(false)
  expect(trail.runs).toMatchObject([{ redriven: [one], open: { batch: 2 } }])
})

it('a letter counts by its message, and not by its place, where another lies once the topic was created anew', () => {
  const trail = trailOf(begun('a'), intended('a', 1), redriven('a', 1))
  expect(trail.isRedriven({ ...two, source: one.source })).toBe(true)
  expect(trail.isRedriven({ ...one, source: two.source })).toBe(false)
  const uncertain: AuditStep = { ...of('b'), kind: 'settled', settledRun: 'a', found: [], uncertain: [one.place] }
  const unsure = trailOf(begun('a'), intended('a', 1), begun('b'), uncertain)
  expect(unsure.isUncertain({ ...two, source: one.source })).toBe(true)
  expect(unsure.isUncertain({ ...one, source: two.source })).toBe(false)
})

it('a letter whose message has no time counts by its place and its message together', () => {
  const timeless = { place: '0@1', source: '0@1@' }
  const trail = trailOf(begun('a'), intended('a', 1, [timeless]), redriven('a', 1))
  expect(trail.isRedriven(timeless)).toBe(true)
  expect(trail.isRedriven({ ...timeless, place: '0@2' })).toBe(false)
  expect(trail.isRedriven({ ...timeless, source: '0@2@' })).toBe(false)
})

it('what a later run found out of an open batch counts, and nothing that its own run says later', () => {
  const settled: AuditStep = {
    ...of('b'),
    kind: 'settled',
    settledRun: 'a',
    found: [one.place],
    uncertain: [two.place],
  }
  const trail = trailOf(begun('a'), intended('a', 1, [one, two, three]), begun('b'), settled, redriven('a', 1))
  expect([one, two, three].map((letter) => trail.isRedriven(letter))).toEqual([true, false, false])
  expect([one, two, three].map((letter) => trail.isUncertain(letter))).toEqual([false, true, false])
  expect(trail.runs[0]).toMatchObject({ redriven: [one], uncertain: [two], open: undefined })
  expect(trail.newest).toMatchObject({ run: 'b' })
})

it('steps of a run whose beginning is gone are passed over', () => {
  const trail = trailOf(intended('a', 1), redriven('a', 1), { ...of('a'), kind: 'ended', result: 'complete' })
  expect(trail.runs).toEqual([])
})

it.each<AuditStep>([
  begun('a'),
  { ...of('a'), kind: 'intended', batch: 1, letters: [{ ...one, patched: ['value'] }], ends: { 0: 7 } },
  redriven('a', 1),
  { ...of('a'), kind: 'settled', settledRun: 'b', found: ['0@1'], uncertain: [] },
  { ...of('a'), kind: 'ended', result: 'failed', error: 'no' },
])('$kind is read as it was written', (step) => {
  expect(readStep(toRecord(owner, step))).toEqual(step)
})
