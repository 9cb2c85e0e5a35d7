import { ConfigError } from '@tenon/core/transport'
import { check } from './check/check-text.ts'

export type Named<Value> = readonly [name: string, value: Value]

export function byName([one]: Named<unknown>, [other]: Named<unknown>): number {
  return compareTexts(one, other)
}

/** In the order of their characters, which is the same everywhere. */
export function compareTexts(one: string, other: string): number {
  return Number(one > other) - Number(one < other)
}

/**
 * By name, sorted.
 *
 * @throws ConfigError `config.malformed` for a name that comes twice, of which one would be lost.
 */
export function toUnique<Value>(kind: string, entries: readonly Named<Value>[]): Readonly<Record<string, Value>> {
  const twice = [...Map.groupBy(entries, ([name]) => name)].filter(([, same]) => same.length > 1)
  const problems = twice.map(([name]) =>
    check.malformed(`${name} is the name of several ${kind}; leave all but one out`),
  )
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.fromEntries(entries.toSorted(byName))
}
