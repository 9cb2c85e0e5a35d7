import type { StandardSchemaV1 } from '@standard-schema/spec'
import Schema from 'typebox/schema'
import { Settings } from 'typebox/system'
import { type JsonSchema, isStandardSchema, type Schema as AnySchema, toJsonSchema } from '../contract/schema.ts'
import type { Violation } from '../error/service-error.ts'
import { ContractError } from '../error/setup-error.ts'
import { hardenSchema } from './harden-schema.ts'
import { compileShaper } from './shaper.ts'
import { fromIssues, toViolations, type ValidatorError } from './violation.ts'

/** What reading or writing a value came to. */
export type SchemaResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly violations: readonly Violation[] }

/** A schema made ready at boot; the same rules for every schema library, taken from its JSON Schema. */
export interface CompiledSchema {
  /**
   * The reader's side: undeclared fields dropped, defaults filled in, checked, the library's own rules and transforms run.
   * Owns the value and may change it. A promise only when the library's validator is asynchronous.
   */
  read(value: unknown): SchemaResult | Promise<SchemaResult>
  /** The writer's side: a copy without undeclared fields where there are any, checked; transforms are the reader's. */
  write(value: unknown): SchemaResult
  /** As `write`, but trusts the value to fit. */
  strip(value: unknown): unknown
}

/**
 * Makes a schema ready for use. Costs milliseconds: for boot, not for calls.
 *
 * @param where What the schema describes, for messages.
 * @throws ContractError `contract.schema`
 */
export function compileSchema(
  schema: AnySchema,
  jsonSchema: JsonSchema = toJsonSchema(schema),
  where = 'schema',
): CompiledSchema {
  const { validator, shaper } = compileParts(jsonSchema, where)
  const checked = (shape: (value: unknown) => unknown, value: unknown): SchemaResult => {
    try {
      const shaped = shape(value)
      if (validator.Check(shaped)) return { ok: true, value: shaped }
      return { ok: false, violations: toViolations(errorsOf(validator, shaped)) }
    } catch (error) {
      if (error instanceof RangeError) return tooDeep
      throw error
    }
  }
  const fillStripped = (value: unknown) => shaper.fill(shaper.strip(value))
  const standard = isStandardSchema(schema) ? schema['~standard'] : undefined
  return {
    strip: (value) => shaper.strip(value),
    write: (value) => checked(shaper.strip, value),
    read: (value) => {
      const result = checked(fillStripped, value)
      if (!result.ok || standard === undefined) return result
      const validated = standard.validate(result.value)
      return validated instanceof Promise ? validated.then(fromStandard) : fromStandard(validated)
    },
  }
}

function compileParts(jsonSchema: JsonSchema, where: string) {
  try {
    return { validator: Schema.Compile(hardenSchema(jsonSchema)), shaper: compileShaper(jsonSchema) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ContractError([{ code: 'contract.schema', message: `${where} cannot be used: ${reason}` }], error)
  }
}

/** What a recursive schema makes of a value that is nested more deeply than the stack can follow. */
const tooDeep: SchemaResult = {
  ok: false,
  violations: [{ field: '', message: 'is nested too deeply', rule: 'custom' }],
}

/** More than are reported, so that a union's own error, which comes after those of its variants, is not cut off. A guess. */
const longestErrorList = 1_000

/** The validator's limit is a setting of the process, which belongs to the user. */
function errorsOf(validator: Schema.Validator, value: unknown): readonly ValidatorError[] {
  const { maxErrors } = Settings.Get()
  Settings.Set({ maxErrors: longestErrorList })
  try {
    return validator.Errors(value)[1]
  } finally {
    Settings.Set({ maxErrors })
  }
}

function fromStandard(result: StandardSchemaV1.Result<unknown>): SchemaResult {
  if (result.issues) return { ok: false, violations: fromIssues(result.issues) }
  return { ok: true, value: result.value }
}
