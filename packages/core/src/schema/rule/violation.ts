import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Violation } from '../../error/service-error.ts'
import { isFault } from './refinement.ts'

/** More violations than this are not reported: enough to repair a form, too few to amplify an attack. */
const longestList = 20

/** One error of the validator, as far as it is used here. */
export interface ValidatorError {
  readonly keyword: string
  readonly schemaPath: string
  readonly instancePath: string
  readonly params: object
  readonly message: string
}

/** What the validator found, said the same way for every schema library. */
export function toViolations(errors: readonly ValidatorError[]): readonly Violation[] {
  const resolved = resolveUnions(errors.map(withFault), '')
  const violations = withoutRepeats(resolved.flatMap((error, _index, all) => toViolation(error, all)))
  return violations.length > 0 ? violations.slice(0, longestList) : [cutShort]
}

/** What a library's own validator found. */
export function fromIssues(issues: readonly StandardSchemaV1.Issue[]): readonly Violation[] {
  return issues
    .slice(0, longestList)
    .map(({ path, message }) => ({ field: toPointer(path ?? []), message, rule: 'custom' }))
}

/** The one violation of a value that breaks a union in so many places that the validator did not get to the end. */
const cutShort: Violation = { field: '', message: 'must have one of the allowed forms', rule: 'anyOf' }

/** An error of a check that the validator ran for us, as if it knew the keyword. */
function withFault(error: ValidatorError): ValidatorError {
  const fault: unknown = error.keyword === '~refine' ? Reflect.get(error.params, 'message') : undefined
  return isFault(fault) ? { ...error, ...fault } : error
}

const inUnion = /\/(?:anyOf|oneOf)\/(\d+)(?=\/|$)/

/**
 * Puts one statement in the place of each union's errors. The validator reports the errors of all variants, which contradict
 * one another, and then the union's own.
 */
function resolveUnions(errors: readonly ValidatorError[], above: string): readonly ValidatorError[] {
  const resolved: ValidatorError[] = []
  let nested: ValidatorError[] = []
  for (const error of errors) {
    if (inUnion.test(error.schemaPath.slice(above.length))) nested.push(error)
    else if (error.keyword === 'anyOf' || error.keyword === 'oneOf') {
      resolved.push(...resolveUnion(error, nested))
      nested = []
    } else resolved.push(error)
  }
  return resolved
}

/** The errors of the variant that was meant, where only one comes into question; else what can be said of all. */
function resolveUnion(union: ValidatorError, nested: readonly ValidatorError[]): readonly ValidatorError[] {
  const variants = Map.groupBy(nested, ({ schemaPath }) => inUnion.exec(schemaPath.slice(union.schemaPath.length))?.[1])
  const meant = [...variants.values()].filter((errors) => !errors.some((error) => isOtherKind(union, error)))
  const [first] = meant
  if (first && meant.length === 1) {
    const variant = inUnion.exec(first[0]?.schemaPath.slice(union.schemaPath.length) ?? '')?.[0] ?? ''
    return resolveUnions(first, union.schemaPath + variant)
  }
  const types = [...variants.values()].map((errors) => typeAt(union, errors))
  if (types.length > 0 && types.every((type) => type !== undefined))
    return [{ ...union, keyword: 'type', params: { type: types.flat() } }]
  return [union]
}

/** Whether an error says that a value is no attempt at a variant at all: another type, or another constant as its mark. */
function isOtherKind(union: ValidatorError, { keyword, instancePath }: ValidatorError): boolean {
  if (instancePath === union.instancePath) return keyword === 'type' || keyword === 'const' || keyword === 'enum'
  const rest = instancePath.slice(union.instancePath.length + 1)
  return keyword === 'const' && !rest.includes('/')
}

function typeAt(union: ValidatorError, errors: readonly ValidatorError[]): string | readonly string[] | undefined {
  const error = errors.find(({ keyword, instancePath }) => keyword === 'type' && instancePath === union.instancePath)
  return error && (Reflect.get(error.params, 'type') as string | readonly string[])
}

/** How the violations of a keyword are worded, where the validator's own words name no field, or are jargon. */
const wordings: Readonly<Record<string, (error: ValidatorError, all: readonly ValidatorError[]) => Violation[]>> = {
  required: ({ instancePath, params }) =>
    namesIn(params, 'requiredProperties').map((name) => ({
      field: under(instancePath, name),
      message: 'is required',
      rule: 'required',
    })),
  additionalProperties: strayFields,
  unevaluatedProperties: strayFields,
  propertyNames: ({ instancePath, params }) =>
    namesIn(params, 'propertyNames').map((name) => ({
      field: under(instancePath, name),
      message: 'is not an allowed name',
      rule: 'propertyNames',
    })),
  // A closed object's stray field is reported twice; `additionalProperties` is the line that says why.
  boolean: (error) => (error.schemaPath.endsWith('/additionalProperties') ? [] : [violation(error, 'is not allowed')]),
  // So is an item beyond a tuple, by a library that writes the tuple's length out too.
  maxItems: (error, all) =>
    all.some(({ keyword, instancePath }) => keyword === 'boolean' && parentOf(instancePath) === error.instancePath)
      ? []
      : [violation(error, error.message)],
  type: (error) => [
    violation(error, `must be ${[Reflect.get(error.params, 'type') as string | string[]].flat().join(' or ')}`),
  ],
  const: (error) => [violation(error, `must be ${JSON.stringify(Reflect.get(error.params, 'allowedValue'))}`)],
  enum: (error, all) =>
    isAboutName(error, all)
      ? []
      : [violation(error, `must be one of ${JSON.stringify(Reflect.get(error.params, 'allowedValues'))}`)],
  anyOf: (error) => [violation(error, 'must have one of the allowed forms')],
  oneOf: (error) =>
    namesIn(error.params, 'passingSchemas').length === 0
      ? [{ ...violation(error, 'must have one of the allowed forms'), rule: 'anyOf' }]
      : [violation(error, 'must have exactly one of the allowed forms')],
  // A library may write a format out as a pattern too; the format's line says it better.
  pattern: (error, all) =>
    isAboutName(error, all) ||
    all.some(({ keyword, instancePath }) => keyword === 'format' && instancePath === error.instancePath)
      ? []
      : [violation(error, error.message)],
  '~refine': (error) => [{ ...violation(error, error.message), rule: 'custom' }],
}

function toViolation(error: ValidatorError, all: readonly ValidatorError[]): readonly Violation[] {
  const word = Object.hasOwn(wordings, error.keyword) ? wordings[error.keyword] : undefined
  return word ? word(error, all) : [violation(error, error.message)]
}

function violation({ instancePath, keyword }: ValidatorError, message: string): Violation {
  return { field: instancePath, message, rule: keyword }
}

/** The fields an object may not have; not those that may be there and are only wrong inside. */
function strayFields(error: ValidatorError, all: readonly ValidatorError[]): Violation[] {
  const { schemaPath, instancePath, params, keyword } = error
  const inside = all
    .filter((other) => other.keyword !== 'boolean' && other.schemaPath.startsWith(`${schemaPath}/${keyword}`))
    .map((other) => other.instancePath)
  return namesIn(params, keyword)
    .map((name) => under(instancePath, name))
    .filter((field) => !inside.some((other) => other === field || other.startsWith(`${field}/`)))
    .map((field) => ({ field, message: 'is not allowed', rule: 'additionalProperties' }))
}

/** Whether an error is about a name and not about the value under it; `propertyNames` is the line that says so. */
function isAboutName({ schemaPath }: ValidatorError, all: readonly ValidatorError[]): boolean {
  return all.some((other) => other.keyword === 'propertyNames' && schemaPath === `${other.schemaPath}/propertyNames`)
}

/** A field that two parts of an `allOf` demand is missing once. */
function withoutRepeats(violations: readonly Violation[]): readonly Violation[] {
  const byText = new Map(violations.map((one) => [`${one.field}\n${one.rule}\n${one.message}`, one]))
  return [...byText.values()]
}

/** At most as many as can be reported: a caller may send any number. */
function namesIn(params: object, name: string): readonly string[] {
  const names: unknown = Reflect.get(params, name)
  return Array.isArray(names) ? names.slice(0, longestList).map(String) : []
}

function toPointer(path: readonly (PropertyKey | StandardSchemaV1.PathSegment)[]): string {
  return path.reduce<string>(
    (pointer, segment) => under(pointer, String(typeof segment === 'object' ? segment.key : segment)),
    '',
  )
}

function parentOf(pointer: string): string {
  return pointer.slice(0, pointer.lastIndexOf('/'))
}

/** @see RFC 6901 section 3 */
function under(pointer: string, name: string): string {
  return `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
}
