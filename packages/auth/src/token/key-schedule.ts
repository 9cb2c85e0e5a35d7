import type { SigningKey } from './signing-key.ts'

export interface KeyTimes {
  /** How long a token is valid. */
  readonly lifetimeMs: number
  readonly keyLifetimeMs: number
  readonly publishAheadMs: number
}

/** How far behind a verifier's clock may be. @see the largest `clockToleranceMs` of `jwtAuthenticator` */
const clockToleranceMs = 300_000

/** The key that signs now: the newest that has been published for long enough; undefined where there is none at all. */
export function signingKeyOf(keys: readonly SigningKey[], times: KeyTimes, now: number): SigningKey | undefined {
  const ordered = oldestFirst(keys)
  // Of the first key of all nobody has kept an older set.
  return ordered.findLast((key) => signsFrom(key, times) <= now) ?? ordered[0]
}

/** Whether it is time for a new key. */
export function needsNewKey(keys: readonly SigningKey[], { keyLifetimeMs }: KeyTimes, now: number): boolean {
  const newest = oldestFirst(keys).at(-1)
  return newest === undefined || newest.createdAt + keyLifetimeMs <= now
}

/** Keys that signed no token which may still be valid. */
export function retiredKeys(keys: readonly SigningKey[], times: KeyTimes, now: number): readonly SigningKey[] {
  const ordered = oldestFirst(keys)
  return ordered.filter((_key, index) => {
    const successor = ordered[index + 1]
    return successor && signsFrom(successor, times) + times.lifetimeMs + clockToleranceMs <= now
  })
}

function signsFrom({ createdAt }: SigningKey, { publishAheadMs }: KeyTimes): number {
  return createdAt + publishAheadMs
}

/** Instances that make a key in the same millisecond agree on which is newer. */
function oldestFirst(keys: readonly SigningKey[]): readonly SigningKey[] {
  return keys.toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
}
