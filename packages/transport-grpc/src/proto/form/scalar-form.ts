import { bytesRangeOf, int64RangeOf, isTimestamp, isUint64, type JsonSchema } from '@tenon/core/contract'
import type { ScalarName } from '../message-shape.ts'

/** What one value of protobuf can be, but for messages. */
export type ScalarForm =
  | { readonly kind: 'scalar'; readonly scalar: ScalarName }
  | { readonly kind: 'timestamp' }
  | { readonly kind: 'enum'; readonly texts: readonly string[] }

const scalars: Readonly<Record<string, ScalarName>> = { string: 'string', boolean: 'bool', number: 'double' }
const int32 = { min: -2_147_483_648, max: 2_147_483_647 }

/** The form of a schema of one type; undefined for those that consist of others. */
export function scalarOf(schema: JsonSchema): ScalarForm | undefined {
  if ('allOf' in schema) return undefined
  if (isTimestamp(schema)) return { kind: 'timestamp' }
  const scalar = scalarName(schema)
  return scalar && { kind: 'scalar', scalar }
}

function scalarName(schema: JsonSchema): ScalarName | undefined {
  if (int64RangeOf(schema)) return isUint64(schema) ? 'ubigint' : 'bigint'
  if (bytesRangeOf(schema)) return 'bytes'
  const type = schema['type']
  if (type === 'integer') return isWithinInt32(schema) ? 'int32' : 'int64'
  return typeof type === 'string' && Object.hasOwn(scalars, type) ? scalars[type] : undefined
}

function isWithinInt32(schema: JsonSchema): boolean {
  const min = schema['minimum'] ?? schema['exclusiveMinimum']
  const max = schema['maximum'] ?? schema['exclusiveMaximum']
  return typeof min === 'number' && typeof max === 'number' && min >= int32.min && max <= int32.max
}

/** The form of a choice of constants of one kind: texts, whole numbers, or both values of a boolean; undefined for any other. */
export function choiceOf(schemas: readonly JsonSchema[]): ScalarForm | undefined {
  const [first, ...more] = schemas
  // One number whose type is told is of that type, as it would be without the constant.
  if (first === undefined || (more.length === 0 && 'const' in first && scalarName(first) === 'double')) return undefined
  const choices = schemas.map(constantsOf)
  if (choices.includes(undefined)) return undefined
  const constants = [...new Set(choices.flatMap((choice) => choice ?? []))]
  if (constants.length === 0) return undefined
  if (constants.every((constant) => typeof constant === 'string')) return { kind: 'enum', texts: constants }
  if (constants.every((constant) => typeof constant === 'boolean')) return { kind: 'scalar', scalar: 'bool' }
  if (!constants.every((constant) => Number.isSafeInteger(constant))) return undefined
  const isShort = constants.every((constant) => Number(constant) >= int32.min && Number(constant) <= int32.max)
  return { kind: 'scalar', scalar: isShort ? 'int32' : 'int64' }
}

function constantsOf(schema: JsonSchema): readonly unknown[] | undefined {
  if ('const' in schema) return [schema['const']]
  return Array.isArray(schema['enum']) ? schema['enum'] : undefined
}
