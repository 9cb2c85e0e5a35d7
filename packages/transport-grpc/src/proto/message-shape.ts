import type { ContractInfo, JsonSchema, Operation } from '@tenon/core/contract'
import { ContractError, type SetupProblem } from '@tenon/core/transport'
import { protoFieldName, pascalCase, screamingSnakeCase } from './proto-name.ts'

/** A schema as a proto3 message: what the codec and the descriptors are both made of. */
export interface MessageShape {
  /** Full name: `shop.user.v1.GetUserRequest`, for a nested one `shop.user.v1.PlaceOrderRequest.Items`. */
  readonly fullName: string
  readonly name: string
  readonly fields: readonly FieldShape[]
  readonly messages: readonly MessageShape[]
  readonly enums: readonly EnumShape[]
}

export interface FieldShape {
  /** As in the schema, and on the wire's JSON form: `userId`. */
  readonly name: string
  /** As in the `.proto`: `user_id`. */
  readonly protoName: string
  /** Follows the order of declaration, from 1. */
  readonly number: number
  readonly type: FieldType
  readonly label: 'optional' | 'repeated' | 'map'
  /** A required list or map that is absent on the wire is empty. */
  readonly isRequired: boolean
}

export type ScalarName = 'string' | 'bool' | 'int32' | 'int64' | 'double'

export type FieldType =
  | { readonly kind: 'scalar'; readonly scalar: ScalarName }
  | { readonly kind: 'enum'; readonly shape: EnumShape }
  | { readonly kind: 'message'; readonly shape: MessageShape }

export interface EnumShape {
  readonly fullName: string
  readonly name: string
  /** Value 0 is `…_UNSPECIFIED` and stands for no text. */
  readonly values: readonly { readonly text: string; readonly protoName: string; readonly number: number }[]
}

/** The messages of one operation. */
export interface MethodShape {
  readonly operation: Operation
  /** `GetUser` */
  readonly name: string
  readonly request: MessageShape
  readonly response: MessageShape
}

/** A contract as a protobuf service. */
export interface ServiceShape {
  /** `shop.user.v1.UserService` */
  readonly fullName: string
  readonly package: string
  readonly name: string
  readonly methods: readonly MethodShape[]
}

/**
 * The protobuf form of a contract's operations, those with `grpc: false` left out.
 *
 * @throws ContractError `contract.schema` naming operation and place in the schema; all problems at once.
 */
export function toServiceShape({ name: fullName, operations }: ContractInfo): ServiceShape {
  const cut = fullName.lastIndexOf('.')
  const service = { fullName, package: fullName.slice(0, cut), name: fullName.slice(cut + 1) }
  const problems: SetupProblem[] = []
  const methods = operations
    .filter(({ grpc }) => grpc)
    .map((operation): MethodShape => {
      const name = pascalCase(operation.name)
      const shapeOf = (side: 'input' | 'output') => {
        const schema = side === 'input' ? operation.inputJsonSchema : operation.outputJsonSchema
        const report = (path: string, found: string) => problems.push(unfit(`${operation.id}: ${side}`, path, found))
        const message = side === 'input' ? `${name}Request` : `${name}Response`
        return shapeMessage(schema, { name: message, scope: service.package, path: '', root: schema, report })
      }
      return { operation, name, request: shapeOf('input'), response: shapeOf('output') }
    })
  if (problems.length > 0) throw new ContractError(problems)
  return { ...service, methods }
}

function unfit(where: string, path: string, found: string): SetupProblem {
  const message = `operation ${where} cannot be a protobuf message: ${path || 'the schema'} is ${found}; use a type that protobuf has, or grpc: false`
  return { code: 'contract.schema', message }
}

/** Where in a schema the walk is. */
interface Place {
  readonly name: string
  /** Full name of what encloses the type. */
  readonly scope: string
  /** JSON pointer into the schema. */
  readonly path: string
  readonly root: JsonSchema
  readonly report: (path: string, found: string) => void
}

function shapeMessage(given: JsonSchema, place: Place): MessageShape {
  const fullName = `${place.scope}.${place.name}`
  const messages: MessageShape[] = []
  const enums: EnumShape[] = []
  const schema = follow(given, place)
  const fields: FieldShape[] = []
  if (schema['type'] !== 'object') place.report(place.path, `${describe(schema)}, not an object`)
  const required = new Set((schema['required'] ?? []) as readonly string[])
  for (const [name, field] of Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>)) {
    const inside = { ...place, name: pascalCase(name), scope: fullName, path: `${place.path}/properties/${name}` }
    const shape = shapeField(field, inside, { messages, enums })
    const facts = { name, protoName: protoFieldName(name), number: fields.length + 1, isRequired: required.has(name) }
    if (shape) fields.push({ ...facts, ...shape })
  }
  const repeated = fields.find(
    ({ protoName }, index) => fields.findIndex((other) => other.protoName === protoName) !== index,
  )
  if (repeated)
    place.report(place.path, `an object with two fields that protobuf would both call ${repeated.protoName}`)
  return { fullName, name: place.name, fields, messages, enums }
}

/** Where the types that a message declares are gathered. */
interface Nested {
  readonly messages: MessageShape[]
  readonly enums: EnumShape[]
}

function shapeField(given: JsonSchema, place: Place, nested: Nested): Pick<FieldShape, 'type' | 'label'> | undefined {
  const schema = follow(given, place)
  if (schema['type'] === 'array') {
    const items = schema['items']
    if (typeof items !== 'object' || items === null) return refuse(place, 'a list without one type of items')
    const type = shapeType(items as JsonSchema, { ...place, path: `${place.path}/items` }, nested)
    return type && { type, label: 'repeated' }
  }
  const entry = entryOf(schema)
  if (entry) {
    const type = shapeType(entry, { ...place, path: `${place.path}/additionalProperties` }, nested)
    return type && { type, label: 'map' }
  }
  const type = shapeType(schema, place, nested)
  return type && { type, label: 'optional' }
}

function shapeType(given: JsonSchema, place: Place, nested: Nested): FieldType | undefined {
  const schema = follow(given, place)
  const texts = textsOf(schema)
  if (texts) return shapeEnum(texts, place, nested)
  if (schema['type'] === 'object' && typeof schema['properties'] === 'object') {
    const shape = shapeMessage(schema, place)
    nested.messages.push(shape)
    return { kind: 'message', shape }
  }
  const scalar = scalarOf(schema)
  return scalar ? { kind: 'scalar', scalar } : refuse(place, describe(schema))
}

function shapeEnum(texts: readonly string[], place: Place, nested: Nested): FieldType | undefined {
  const prefix = screamingSnakeCase(place.name)
  const named = texts.map((text, index) => ({
    text,
    protoName: `${prefix}_${screamingSnakeCase(text)}`,
    number: index + 1,
  }))
  const names = new Set(named.map(({ protoName }) => protoName))
  if (
    names.size < named.length ||
    names.has(`${prefix}_UNSPECIFIED`) ||
    !named.every(({ protoName }) => /^[A-Z][A-Z0-9_]*$/.test(protoName))
  ) {
    return refuse(place, `a choice of texts that give no distinct protobuf names: ${texts.join(', ')}`)
  }
  const unspecified = { text: '', protoName: `${prefix}_UNSPECIFIED`, number: 0 }
  const shape = { fullName: `${place.scope}.${place.name}`, name: place.name, values: [unspecified, ...named] }
  nested.enums.push(shape)
  return { kind: 'enum', shape }
}

function refuse(place: Place, found: string): undefined {
  place.report(place.path, found)
  return undefined
}

/** Follows `$ref` inside the schema; one that leads back to itself cannot be written out. */
function follow(schema: JsonSchema, place: Place, seen: readonly string[] = []): JsonSchema {
  const reference = schema['$ref']
  if (typeof reference !== 'string') return schema
  if (seen.includes(reference) || place.path.split('/').length > deepest) {
    place.report(place.path, 'recursive')
    return {}
  }
  const names = reference.replace(/^#\/?/, '').split('/')
  const target = names.reduce<unknown>(
    (found, name) => (typeof found === 'object' && found !== null ? Reflect.get(found, name) : undefined),
    place.root,
  )
  if (typeof target === 'object' && target !== null) return follow(target as JsonSchema, place, [...seen, reference])
  place.report(place.path, `a reference to ${reference}, which is not in the schema`)
  return {}
}

/** Segments of a place beyond which a schema is taken to be recursive. A guess, far above what is written by hand. */
const deepest = 64

const scalars: Readonly<Record<string, ScalarName>> = { string: 'string', boolean: 'bool', number: 'double' }
const int32 = { min: -2_147_483_648, max: 2_147_483_647 }

function scalarOf(schema: JsonSchema): ScalarName | undefined {
  const type = schema['type']
  if (type === 'integer') return isWithinInt32(schema) ? 'int32' : 'int64'
  return typeof type === 'string' ? scalars[type] : undefined
}

function isWithinInt32(schema: JsonSchema): boolean {
  const min = schema['minimum'] ?? schema['exclusiveMinimum']
  const max = schema['maximum'] ?? schema['exclusiveMaximum']
  return typeof min === 'number' && typeof max === 'number' && min >= int32.min && max <= int32.max
}

/** The texts of a choice of texts, however the schema library writes it. */
function textsOf(schema: JsonSchema): readonly string[] | undefined {
  const variants = (schema['anyOf'] ?? schema['oneOf']) as readonly JsonSchema[] | undefined
  const values: unknown = variants
    ? variants.map((variant) => variant['const'])
    : 'const' in schema
      ? [schema['const']]
      : schema['enum']
  return Array.isArray(values) && values.every((value) => typeof value === 'string') ? values : undefined
}

/** The schema of a record's values. */
function entryOf(schema: JsonSchema): JsonSchema | undefined {
  if (schema['type'] !== 'object' || schema['properties'] !== undefined) return undefined
  const patterns = schema['patternProperties'] as Record<string, JsonSchema> | undefined
  const entry = patterns ? Object.values(patterns)[0] : schema['additionalProperties']
  return typeof entry === 'object' && entry !== null ? (entry as JsonSchema) : undefined
}

function describe(schema: JsonSchema): string {
  if (schema['anyOf'] ?? schema['oneOf']) return 'a union'
  const type = schema['type']
  if (Array.isArray(type)) return `a choice of types (${type.join(', ')})`
  return typeof type === 'string' ? `of type "${type}"` : 'of no single type'
}
