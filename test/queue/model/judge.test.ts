import { expect, test } from 'vitest'
import type { AsideMessage } from './aside-message.ts'
import type { DatedFact, Fact } from './journal.ts'
import { judge, type Rule } from './judge.ts'
import type { LoggedMessage } from './message.ts'

const place = 't/0'

/** Three messages: two of key a, then one of key b that is to be buried. */
const messages: readonly LoggedMessage[] = [
  { key: 'a', number: 0, offset: 0, isKeyed: true, expected: 'effect' },
  { key: 'a', number: 1, offset: 1, isKeyed: true, expected: 'effect' },
  { key: 'b', number: 0, offset: 2, isKeyed: true, expected: 'letter' },
]
const letters = ['t/0@2']

const assigned = (assignment: string, member = assignment): Fact => ({ is: 'assigned', assignment, member, place })
const gave = (is: 'revoked' | 'lost' | 'settled', assignment: string): Fact => ({ is, assignment })
const handling = (assignment: string, offset: number) => {
  const { key = '', number = 0 } = messages[offset] ?? {}
  return { assignment, place, offset, key, number, attempt: 1 }
}
const began = (assignment: string, offset: number): Fact => ({ is: 'began', ...handling(assignment, offset) })
const did = (assignment: string, offset: number): readonly Fact[] => [
  began(assignment, offset),
  { is: 'effect', ...handling(assignment, offset) },
  { is: 'ended', ...handling(assignment, offset) },
]
/** The same from the retry topic. */
const didAside = (assignment: string, offset: number, retryOffset: number): readonly Fact[] =>
  did(assignment, offset).map((fact) => ({ ...fact, retryOffset }))
const buried = (assignment: string, offset: number): Fact => ({ is: 'buried', assignment, place, offset })
const commit = (
  assignment: string,
  nextOffset: number,
  answer: 'stored' | 'refused' | 'failed' = 'stored',
): readonly Fact[] => {
  const name = `${assignment}-${nextOffset}-${answer}`
  return [
    { is: 'commits', assignment, commit: name, nextOffset },
    { is: 'committed', commit: name, answer },
  ]
}
const wholeRun = [...did('A', 0), ...did('A', 1), ...commit('A', 1), buried('A', 2), ...commit('A', 3)]

function verdictOf(facts: readonly Fact[], log = messages, found = letters, aside: readonly AsideMessage[] = []) {
  const dated: readonly DatedFact[] = facts.map((fact, at) => ({ ...fact, at }))
  return judge(dated, { log: new Map([[place, log]]), letters: found, aside, maxUncommittedCount: 2 })
}

function rulesOf(...given: Parameters<typeof verdictOf>): readonly Rule[] {
  return [...new Set(verdictOf(...given).violations.map(({ rule }) => rule))]
}

test('finds nothing in a run without mistakes', () => {
  const facts = [assigned('A'), ...wholeRun, gave('revoked', 'A'), gave('settled', 'A'), gave('lost', 'A')]
  expect(rulesOf(facts)).toEqual([])
})

test.each<[Rule, readonly Fact[]]>([
  ['lost', [...did('A', 0), ...did('A', 1)]],
  ['lost', [...wholeRun, { is: 'acknowledged', key: 'a', number: 7 }]],
  ['overtaken', [...did('A', 1), ...did('A', 0), buried('A', 2)]],
  ['side_by_side', [began('A', 0), ...did('A', 1), ...wholeRun]],
  ['committed_too_early', [...commit('A', 1), ...wholeRun]],
  ['fenced_commit_stored', [assigned('B'), ...wholeRun]],
  ['beyond_bound', [...did('A', 0), ...did('A', 1), ...commit('A', 1, 'failed'), buried('A', 2)]],
  ['repeated_behind_commit', [...wholeRun, assigned('B'), ...did('B', 0)]],
  ['repeated_without_reason', [...did('A', 0), gave('settled', 'A'), assigned('B'), ...did('B', 0)]],
  ['repeated_by_owner', [...did('A', 0), ...wholeRun]],
  ['ends_out_of_order', [...did('A', 0), ...did('A', 1), assigned('B'), ...did('B', 0)]],
  ['left_uncommitted', [...did('A', 0), ...did('A', 1), buried('A', 2), gave('settled', 'A')]],
  ['left_uncommitted', [...did('A', 0), ...commit('A', 1, 'refused'), gave('revoked', 'A'), gave('settled', 'A')]],
  ['wrong_outcome', [...did('A', 0), ...did('A', 1), ...did('A', 2)]],
])('finds %s', (rule, facts) => {
  expect(rulesOf([assigned('A'), ...facts])).toContain(rule)
})

test('takes what is set aside for covered, and what comes of it later for no repetition', () => {
  const parked: Fact = { is: 'parked', assignment: 'A', place, offset: 0 }
  const facts = [
    assigned('A'),
    parked,
    ...commit('A', 1),
    assigned('B'),
    ...didAside('B', 0, 7),
    ...did('B', 1),
    buried('B', 2),
  ]
  expect(rulesOf(facts)).toEqual([])
  expect(rulesOf(facts.filter((fact) => fact !== parked))).toContain('committed_too_early')
})

test.each<[string, number, readonly Rule[]]>([
  ['two records of one message', 8, ['beyond_bound']],
  ['one record twice', 7, []],
])('counts what may come again from the retry topic by record: %s', (_what, retryOffset, rules) => {
  const parks = [0, 1].map((offset): Fact => ({ is: 'parked', assignment: 'A', place, offset }))
  const facts = [assigned('A'), ...parks, ...commit('A', 2), assigned('B')]
  const handled = [...didAside('B', 0, 6), ...didAside('B', 1, 7), ...didAside('B', 1, retryOffset).slice(0, 1)]
  expect(rulesOf([...facts, ...handled, buried('B', 2), ...commit('B', 3)])).toEqual(rules)
})

test.each([
  ['an owner that was cut set it aside, and was told nothing', 'A', []],
  ['an owner that left in good order did', 'B', ['repeated_behind_commit', 'repeated_without_reason']],
])('judges a message that comes again behind a commit, where %s', (_what, assignment, rules) => {
  const cut = [assigned('A'), began('A', 0), gave('lost', 'A')]
  const second = [assigned('B'), ...did('B', 0), ...commit('B', 1), gave('settled', 'B')]
  const third = [assigned('C'), ...did('C', 0), ...did('C', 1), ...commit('C', 2), buried('C', 2)]
  expect(rulesOf([...cut, ...second, ...third], messages, letters, [{ position: 't/0@0', assignment }])).toEqual(rules)
})

test('finds a log whose order is not that of sending, and one that holds a message twice', () => {
  const [first, second, third] = messages
  const run = [assigned('A'), ...wholeRun]
  expect(
    rulesOf(
      run,
      [second, first, third].flatMap((one) => one ?? []),
    ),
  ).toContain('log_order')
  const twice = [...messages, { key: 'a', number: 1, offset: 3, isKeyed: true, expected: 'effect' as const }]
  expect(rulesOf(run, twice)).toContain('log_order')
})

test('finds a dead letter that is missing, and one that should not be', () => {
  const run = [assigned('A'), ...wholeRun]
  expect(rulesOf(run, messages, [])).toEqual(['dead_letter'])
  expect(rulesOf(run, messages, ['t/0@1', 't/0@2'])).toEqual(['dead_letter'])
})

test.each<[string, readonly Fact[]]>([
  ['died', [...did('A', 0), { is: 'died', member: 'A' }, assigned('B'), ...did('B', 0)]],
  ['cut', [...did('A', 0), gave('lost', 'A'), assigned('B'), ...did('B', 0)]],
  ['cut', [began('A', 0), assigned('B'), ...did('B', 0), { is: 'effect', ...handling('A', 0) }]],
  ['commit_failed', [...did('A', 0), ...commit('A', 1, 'failed'), gave('settled', 'A'), assigned('B'), ...did('B', 0)]],
  ['behind_unfinished', [buried('A', 2), gave('settled', 'A'), assigned('B'), buried('B', 2)]],
])('explains a repetition by %s', (reason, facts) => {
  const { duplicates, violations } = verdictOf([assigned('A'), ...facts])
  expect(duplicates).toMatchObject({ [reason]: 1 })
  expect(violations.map(({ rule }) => rule)).not.toContain('repeated_without_reason')
})

test('finds what is held up though nothing of its lane fails', () => {
  const log = messages.map((message, index) => ({ ...message, expected: 'effect' as const, hasFailures: index === 0 }))
  const late = (offset: number, at: number): readonly DatedFact[] => {
    const { key = '', number = 0 } = log[offset] ?? {}
    const outcome = did('A', offset).map((fact) => ({ ...fact, at }))
    return [{ is: 'acknowledged', key, number, at: 0 }, ...outcome]
  }
  const heldUp = (atOfOthers: number, more: readonly DatedFact[] = []) => {
    const facts = [{ ...assigned('A'), at: 0 }, ...late(0, 900), ...late(1, 950), ...late(2, atOfOthers), ...more]
    const final = { log: new Map([[place, log]]), letters: [], maxUncommittedCount: 5, flowBoundMs: 100 }
    return judge(facts, final).violations.map(({ rule, text }) => `${rule}: ${text}`)
  }
  expect(heldUp(100)).toEqual([])
  const text = 'held_up: b 0 was set aside, or had no outcome 100 ms after it was stored'
  expect(heldUp(101)).toEqual([text])
  expect(heldUp(100, [{ is: 'parked', assignment: 'A', place, offset: 2, at: 50 }])).toEqual([text])
  expect(heldUp(100, [{ is: 'parked', assignment: 'A', place, offset: 1, at: 50 }])).toEqual([])
})

test('takes what a fenced owner has set aside late for no mistake of those who handle it once more', () => {
  const facts = (parks: boolean) => [
    assigned('A'),
    assigned('B'),
    ...(parks ? [{ is: 'parked', assignment: 'A', place, offset: 0 } as const] : []),
    ...wholeRun.map((fact) => ('assignment' in fact ? { ...fact, assignment: 'B' } : fact)),
    gave('settled', 'B'),
    assigned('C'),
    ...didAside('C', 0, 0),
    ...didAside('C', 0, 1),
  ]
  expect(rulesOf(facts(true))).toEqual([])
  expect(rulesOf(facts(false))).toEqual(expect.arrayContaining(['ends_out_of_order', 'repeated_by_owner']))
})
