import type { StandardSchemaV1 } from '@standard-schema/spec'
import Schema from 'typebox/schema'
import { Settings } from 'typebox/system'
import { type JsonSchema, isStandardSchema, type Schema as AnySchema, toJsonSchema } from './schema.ts'
import type { Violation } from '../error/service-error.ts'
import { ContractError } from '../error/setup-error.ts'
import { type Censor, compileCensor } from './censor.ts'
import { hardenSchema } from './rule/harden-schema.ts'
import { compileJsonReader } from './native/json-conversion.ts'
import { compileShaper } from './shaper.ts'
import { isStackOverflow } from './stack-overflow.ts'
import type { Step } from './step.ts'
import { fromIssues, toViolations, type ValidatorError } from './rule/violation.ts'

/** What reading or writing a value came to. */
export type SchemaResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly violations: readonly Violation[] }

/** A schema made ready at boot; the same rules for every schema library, taken from its JSON Schema. */
export interface CompiledSchema {
  /**
   * The reader's side: undeclared fields dropped, defaults filled in, `int64()` and `bytes()` read where they are text,
   * checked, the library's own rules and transforms run. Owns the value and may change it. A promise only when the
   * library's validator is asynchronous.
   */
  read(value: unknown): SchemaResult | Promise<SchemaResult>
  /**
   * The writer's side: a copy without undeclared fields where there are any, checked, also by the library's own rules;
   * what they make of it is dropped, because transforms are the reader's. A promise as with `read`.
   */
  write(value: unknown): SchemaResult | Promise<SchemaResult>
  /** As `write`, but trusts the value to fit. */
  strip(value: unknown): unknown
}

/** Takes a value of our own making as it is. */
export const asItIs: CompiledSchema = Object.freeze({
  read: (value: unknown) => ({ ok: true as const, value }),
  write: (value: unknown) => ({ ok: true as const, value }),
  strip: (value: unknown) => value,
})

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
  const { validator, shaper, fromJson, censor } = compileParts(jsonSchema, where)
  const library = isStandardSchema(schema) ? { validate: schema['~standard'].validate, censor } : undefined
  const fillStripped = (value: unknown) => shaper.fill(shaper.strip(value))
  const prepare = fromJson ? (value: unknown) => fromJson(fillStripped(value)) : fillStripped
  const check = (shape: Step, value: unknown): SchemaResult => {
    try {
      const shaped = shape(value)
      if (validator.Check(shaped)) return { ok: true, value: shaped }
      return { ok: false, violations: censor(toViolations(errorsOf(validator, shaped)), shaped) }
    } catch (error) {
      return tooDeep(error)
    }
  }
  return {
    strip: (value) => shaper.strip(value),
    write: (value) => {
      const result = check(shaper.strip, value)
      if (!result.ok || library === undefined) return result
      return runLibrary(library, result.value, () => result.value)
    },
    read: (value) => {
      const result = check(prepare, value)
      if (!result.ok || library === undefined) return result
      return runLibrary(library, result.value, (transformed) => transformed)
    },
  }
}

function compileParts(jsonSchema: JsonSchema, where: string) {
  try {
    return {
      validator: Schema.Compile(hardenSchema(jsonSchema)),
      shaper: compileShaper(jsonSchema),
      fromJson: compileJsonReader(jsonSchema),
      censor: compileCensor(jsonSchema),
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ContractError([{ code: 'contract.schema', message: `${where} cannot be used: ${reason}` }], error)
  }
}

/**
 * What a schema that follows a value into its depth makes of one that is nested more deeply than the stack is.
 *
 * @throws What was caught, when it is anything else.
 */
function tooDeep(caught: unknown): SchemaResult {
  if (!isStackOverflow(caught)) throw caught
  return { ok: false, violations: [{ field: '', message: 'is nested too deeply', rule: 'custom' }] }
}

interface Library {
  readonly validate: StandardSchemaV1.Props['validate']
  readonly censor: Censor
}

/** Runs a library's own validator; `pick` says which value goes on when it is content. */
function runLibrary({ validate, censor }: Library, value: unknown, pick: (transformed: unknown) => unknown) {
  const toResult = (result: StandardSchemaV1.Result<unknown>): SchemaResult =>
    result.issues
      ? { ok: false, violations: censor(fromIssues(result.issues), value) }
      : { ok: true, value: pick(result.value) }
  try {
    const validated = validate(value)
    return validated instanceof Promise ? validated.then(toResult).catch(tooDeep) : toResult(validated)
  } catch (error) {
    return tooDeep(error)
  }
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
