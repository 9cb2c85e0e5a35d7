import type { StandardSchemaV1 } from '@standard-schema/spec'
import Schema from 'typebox/schema'
import { type JsonSchema, isStandardSchema, type Schema as AnySchema, toJsonSchema } from '../contract/schema.ts'
import type { Violation } from '../error/service-error.ts'
import { hardenSchema } from './harden-schema.ts'
import { compileShaper } from './shaper.ts'
import { fromIssues, toViolations } from './violation.ts'

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

/** Makes a schema ready for use. Costs milliseconds: for boot, not for calls. */
export function compileSchema(schema: AnySchema, jsonSchema: JsonSchema = toJsonSchema(schema)): CompiledSchema {
  const validator = Schema.Compile(hardenSchema(jsonSchema))
  const shaper = compileShaper(jsonSchema)
  const checked = (shaped: unknown): SchemaResult => {
    if (validator.Check(shaped)) return { ok: true, value: shaped }
    return { ok: false, violations: toViolations(validator.Errors(shaped)[1]) }
  }
  const standard = isStandardSchema(schema) ? schema['~standard'] : undefined
  return {
    strip: (value) => shaper.strip(value),
    write: (value) => checked(shaper.strip(value)),
    read: (value) => {
      const result = checked(shaper.fill(shaper.strip(value)))
      if (!result.ok || standard === undefined) return result
      const validated = standard.validate(result.value)
      return validated instanceof Promise ? validated.then(fromStandard) : fromStandard(validated)
    },
  }
}

function fromStandard(result: StandardSchemaV1.Result<unknown>): SchemaResult {
  if (result.issues) return { ok: false, violations: fromIssues(result.issues) }
  return { ok: true, value: result.value }
}
