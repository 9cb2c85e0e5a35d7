import type { TUnsafe } from 'typebox'

/**
 * A TypeBox schema of the given keywords whose static type is `Value`: what `Type.Unsafe()` makes, without loading TypeBox
 * for contracts that are written with another library.
 */
export function unsafeSchema<Value>(keywords: Readonly<Record<string, unknown>>): TUnsafe<Value> {
  const given = Object.entries(keywords).filter(([, value]) => value !== undefined)
  const hidden = { value: null, configurable: true, writable: true }
  return Object.defineProperty(Object.fromEntries(given), '~unsafe', hidden) as unknown as TUnsafe<Value>
}
