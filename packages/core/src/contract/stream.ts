import type { Schema } from '../schema/schema.ts'

const brand: unique symbol = Symbol.for('tenon.stream') as never

/** Says that an operation answers with any number of items instead of one. */
export interface StreamOf<S extends Schema = Schema> {
  readonly [brand]: true
  readonly item: S
}

/** An output of any number of items: `output: stream(User)`. */
export function stream<S extends Schema>(item: S): StreamOf<S> {
  return Object.freeze({ [brand]: true as const, item })
}

export function isStream(output: unknown): output is StreamOf {
  return typeof output === 'object' && output !== null && brand in output
}
