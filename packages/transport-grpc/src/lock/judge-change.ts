import type { LockField, LockMessage, LockMethod } from '../lock-file/lock-file.ts'
import type { Break } from './merge-lock.ts'

/** What a change of a field comes to. */
export interface FieldVerdict {
  /** The type from now on: of two that the wire carries alike the wider one. */
  readonly type: string
  readonly breaks: readonly Break[]
}

const advice = {
  field: 'bring it back, use a new field beside it, or make a new version of the contract',
  name: 'bring it back; or, where it was renamed on purpose, rename it in the file by hand first',
  method: 'bring it back, add a new operation beside it, or make a new version of the contract',
}

/**
 * Compares a field with what the lock says of it.
 *
 * An int32 may become an int64, and an int64 of which the schema now needs only an int32 stays what it is: the wire carries
 * both alike. No other change of a type is allowed, for a reader of before would see another value, or none.
 *
 * @see Protocol Buffers language guide (proto 3), updating a message type
 */
export function judgeField(scope: string, before: LockField, now: LockField): FieldVerdict {
  const part = `field ${now.name}`
  const breaks: Break[] = []
  const told = (problem: string): Break => ({ scope, part, problem, advice: advice.field })
  const type = before.label === now.label ? commonType(before.type, now.type) : undefined
  if (type === undefined) breaks.push(told(difference(describe(before), describe(now))))
  if (before.oneof !== now.oneof) breaks.push(told(difference(place(before), place(now))))
  if (before.jsonName !== now.jsonName) {
    const names = { problem: `the lock calls it ${before.jsonName} in JSON, the schema ${now.jsonName}` }
    breaks.push({ scope, part, ...names, advice: advice.name })
  }
  return { type: type ?? now.type, breaks }
}

/** Compares what kind of thing a message stands for, where no field of before is left to tell of it. */
export function judgeMessage(before: LockMessage, now: LockMessage): readonly Break[] {
  const names = new Set(before.fields.map(({ name }) => name))
  if (before.fields.length === 0 || now.fields.length === 0) return []
  if (now.fields.some(({ name }) => names.has(name))) return []
  const [was, is] = [before, now].map(formOf)
  const told = (problem: string): Break => ({ scope: now.fullName, part: '', problem, advice: advice.field })
  if (was !== is) return [told(`the lock says ${was}, the schema says ${is}`)]
  return is === alternatives ? [told('none of the alternatives that the lock has is left')] : []
}

const alternatives = 'one of several alternatives'

function formOf({ fields }: LockMessage): string {
  return fields.every(({ oneof }) => oneof !== undefined) ? alternatives : 'an object with fields'
}

/** Compares a method with what the lock says of it. */
export function judgeMethod(scope: string, before: LockMethod, now: LockMethod): readonly Break[] {
  const part = `method ${now.name}`
  const breaks: Break[] = []
  if (kindOf(before) !== kindOf(now))
    breaks.push({ scope, part, problem: difference(kindOf(before), kindOf(now)), advice: advice.method })
  for (const side of ['request', 'response'] as const)
    if (before[side] !== now[side])
      breaks.push({ scope, part, problem: difference(`${side} ${before[side]}`, now[side]), advice: advice.method })
  return breaks
}

function commonType(before: string, now: string): string | undefined {
  if (before === now) return now
  const integers = new Set(['int32', 'int64'])
  return integers.has(before) && integers.has(now) ? 'int64' : undefined
}

function describe({ label, type }: LockField): string {
  const name = type.startsWith('.') ? type.slice(1) : type
  return { optional: name, repeated: `repeated ${name}`, map: `map<string, ${name}>` }[label]
}

function place({ oneof }: LockField): string {
  return oneof === undefined ? 'a field of its own' : `a member of oneof ${oneof}`
}

function kindOf({ isRequestStream, isResponseStream }: LockMethod): string {
  if (isRequestStream) return isResponseStream ? 'streams both ways' : 'a stream of requests'
  return isResponseStream ? 'a stream of responses' : 'one request and one response'
}

function difference(before: string, now: string): string {
  return `the lock says ${before}, the schema says ${now}`
}
