import { deepStrictEqual, fail, ok, strictEqual } from 'node:assert'
import { inspect } from 'node:util'
import type { PeerFailure, PeerReply, PeerSuccess } from './harness.ts'

/** A violation without its words: the field as JSON pointer, and the rule that was broken. */
export type FieldRule = readonly [field: string, rule: string]

/** @throws AssertionError unless the call succeeded. */
export function requireSuccess(reply: PeerReply): PeerSuccess {
  if (reply.ok) return reply
  return fail(`the call failed with ${reply.code}: ${reply.message} ${inspect(reply.details ?? '')}`)
}

/** @throws AssertionError unless the call failed with the code. */
export function requireFailure(reply: PeerReply, code: string): PeerFailure {
  if (reply.ok) return fail(`expected the call to fail with ${code}, but it gave ${inspect(reply.output)}`)
  strictEqual(reply.code, code, `expected ${code}, found ${reply.code}: ${reply.message}`)
  return reply
}

/** @throws AssertionError unless the failure names exactly these fields and rules, in any order. */
export function requireViolations(failure: PeerFailure, expected: readonly FieldRule[]): void {
  const violations = failure.details?.['violations']
  if (!Array.isArray(violations)) return fail(`expected violations in the details, found ${inspect(failure.details)}`)
  const found = violations.map((violation: object): FieldRule => {
    const [field, rule, message] = ['field', 'rule', 'message'].map((name): unknown => Reflect.get(violation, name))
    ok(typeof message === 'string' && message !== '', `expected a message at ${String(field)}`)
    return [String(field), String(rule)]
  })
  deepStrictEqual(sorted(found), sorted(expected))
}

/** @throws AssertionError with both values, unless they are equal. */
export function requireEqual(found: unknown, expected: unknown, what?: string): void {
  try {
    deepStrictEqual(found, expected)
  } catch {
    fail(`${what ?? 'expected'} ${inspect(expected, shown)}, found ${inspect(found, shown)}`)
  }
}

/** @throws AssertionError with the sentence. */
export function requireTrue(condition: boolean, sentence: string): asserts condition {
  ok(condition, sentence)
}

const shown = { depth: 6, maxStringLength: 200, maxArrayLength: 20, breakLength: Number.POSITIVE_INFINITY }

function sorted(rules: readonly FieldRule[]): readonly FieldRule[] {
  return rules.toSorted((one, other) => one.join().localeCompare(other.join()))
}
