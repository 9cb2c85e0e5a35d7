import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Violation } from '../error/service-error.ts'

/** More violations than this are not reported: enough to repair a form, too few to amplify an attack. */
const longestList = 20

/** One error of the validator, as far as it is used here. */
interface ValidatorError {
  readonly keyword: string
  readonly schemaPath: string
  readonly instancePath: string
  readonly params: object
  readonly message: string
}

/** What the validator found, said the same way for every schema library. */
export function toViolations(errors: readonly ValidatorError[]): readonly Violation[] {
  const unions = errors
    .filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf')
    .map(({ schemaPath }) => schemaPath)
  // What a union's variants say one by one contradicts itself; the union's own line stands for them.
  const outside = errors.filter(
    ({ schemaPath }) =>
      !unions.some((union) => schemaPath.startsWith(`${union}/anyOf/`) || schemaPath.startsWith(`${union}/oneOf/`)),
  )
  return outside.flatMap(toViolation).slice(0, longestList)
}

/** What a library's own validator found. */
export function fromIssues(issues: readonly StandardSchemaV1.Issue[]): readonly Violation[] {
  return issues
    .slice(0, longestList)
    .map(({ path, message }) => ({ field: toPointer(path ?? []), message, rule: 'custom' }))
}

function toViolation({ keyword, instancePath, params, message }: ValidatorError): readonly Violation[] {
  if (keyword === 'required')
    return namesIn(params, 'requiredProperties').map((name) => ({
      field: under(instancePath, name),
      message: 'is required',
      rule: 'required',
    }))
  if (keyword === 'additionalProperties') {
    return namesIn(params, 'additionalProperties').map((name) => ({
      field: under(instancePath, name),
      message: 'is not allowed',
      rule: keyword,
    }))
  }
  // A closed object's stray field is reported twice; `additionalProperties` is the line that says why.
  if (keyword === 'boolean') return []
  if (keyword === 'enum')
    return [
      {
        field: instancePath,
        message: `must be one of ${JSON.stringify(Reflect.get(params, 'allowedValues'))}`,
        rule: keyword,
      },
    ]
  return [{ field: instancePath, message, rule: keyword }]
}

function namesIn(params: object, name: string): readonly string[] {
  const names: unknown = Reflect.get(params, name)
  return Array.isArray(names) ? names.map(String) : []
}

function toPointer(path: readonly (PropertyKey | StandardSchemaV1.PathSegment)[]): string {
  return path.reduce<string>(
    (pointer, segment) => under(pointer, String(typeof segment === 'object' ? segment.key : segment)),
    '',
  )
}

/** @see RFC 6901 section 3 */
function under(pointer: string, name: string): string {
  return `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
}
