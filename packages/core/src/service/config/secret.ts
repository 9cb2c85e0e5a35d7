import { inspect } from 'node:util'
import type { TypeboxSchema } from '../../schema/schema.ts'
import { secret as secretSchema } from '../../schema/secret.ts'
import type { ConfigReader } from './config.ts'

/**
 * A value that shows itself only to who asks for it: as text, as JSON, in a log, in a template string and under
 * `util.inspect` it is `***`.
 */
export interface Secret<T = string> {
  /** The value itself. Hand it to what needs it, and keep the `Secret`. */
  reveal(): T
  /** `***` */
  toString(): string
  /** `***` */
  toJSON(): string
}

/** What is shown in the place of a secret. */
export const hiddenText = '***'

type SecretOf<T> = undefined extends T ? Secret<Exclude<T, undefined>> | undefined : Secret<T>

/**
 * Marks what must not be seen.
 *
 * - `secret(text('DATABASE_URL'))`, a setting: its value is a `Secret`, and messages and descriptions show `***` for what was
 *   received and for its fallback.
 * - `secret(Type.String())`, a schema: no message of a violation, to a caller or in a log, shows the value or anything inside
 *   it. With another schema library, set `x-secret: true` in the schema's metadata.
 */
export function secret<T>(reader: ConfigReader<T>): ConfigReader<SecretOf<T>>
export function secret<S extends TypeboxSchema>(schema: S): S
export function secret(given: ConfigReader<unknown> | TypeboxSchema): object {
  return isReader(given) ? secretReader(given) : secretSchema(given)
}

function isReader(given: ConfigReader<unknown> | TypeboxSchema): given is ConfigReader<unknown> {
  return 'parse' in given && 'variable' in given
}

function secretReader(reader: ConfigReader<unknown>): ConfigReader<unknown> {
  const { variable, expected, isRequired } = reader
  return Object.freeze({
    variable,
    expected,
    isRequired,
    isSecret: true,
    fallback: toSecret(reader.fallback),
    example: toSecret(reader.example),
    isBlank: (text: string) => reader.isBlank?.(text) ?? text === '',
    parse: (text: string) => toSecret(reader.parse(text)),
  })
}

export function isSecret(value: unknown): value is Secret<unknown> {
  return value instanceof HiddenValue
}

/** The value as a `Secret`; one that is a `Secret` already, and nothing, stay what they are. */
export function toSecret(value: unknown): Secret<unknown> | undefined {
  return value === undefined || value instanceof HiddenValue ? value : Object.freeze(new HiddenValue(value))
}

/** The value is in a private field, which no clone, spread, serialiser or inspection reaches. */
class HiddenValue implements Secret<unknown> {
  readonly #value: unknown

  constructor(value: unknown) {
    this.#value = value
  }

  reveal(): unknown {
    return this.#value
  }

  toString(): string {
    return hiddenText
  }

  toJSON(): string {
    return hiddenText
  }

  [Symbol.toPrimitive](): string {
    return hiddenText
  }

  [inspect.custom](): string {
    return hiddenText
  }
}
