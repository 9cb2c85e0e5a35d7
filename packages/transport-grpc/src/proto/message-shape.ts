import { bytesRangeOf, type ContractInfo, int64RangeOf, type JsonSchema, type Operation } from '@tenon/core/contract'
import { ContractError, type SetupProblem } from '@tenon/core/transport'
import { mapEntryName, pascalCase, protoFieldName, screamingSnakeCase } from './proto-name.ts'

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

/** The types of protobuf, but for `bigint`: an int64 of which all values are exact. `int64` is a safe integer. */
export type ScalarName = 'string' | 'bytes' | 'bool' | 'int32' | 'int64' | 'bigint' | 'double'

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
        const place = {
          name: message,
          scope: service.package,
          path: '',
          root: schema,
          named: {},
          inside: [schema],
          report,
        }
        return shapeMessage(schema, place)
      }
      return { operation, name, request: shapeOf('input'), response: shapeOf('output') }
    })
  for (const { operation, request, response } of methods) {
    if ([request.name, response.name].includes(service.name)) problems.push(sameName(operation, service.fullName))
  }
  if (problems.length > 0) throw new ContractError(problems)
  return { ...service, methods }
}

function sameName({ id }: Operation, fullName: string): SetupProblem {
  const message = `operation ${id}: one of its protobuf messages would have the name of its service, ${fullName}; rename one of them, or grpc: false`
  return { code: 'contract.name', message }
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
  /** The schemas that may be referred to by name alone. */
  readonly named: Readonly<Record<string, unknown>>
  /** The schemas that enclose this place: one that comes again is recursive. */
  readonly inside: readonly JsonSchema[]
  readonly report: (path: string, found: string) => void
}

/** A schema with the place where it stands, its references followed. */
interface Placed {
  readonly schema: JsonSchema
  readonly place: Place
}

const maybeAbsent =
  'a list or record that may be absent, which protobuf cannot tell from an empty one: make it required and without a default, or give it an empty default'

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

function shapeMessage(given: JsonSchema, from: Place): MessageShape {
  const { schema, place } = follow(given, from)
  const fullName = `${place.scope}.${place.name}`
  const messages: MessageShape[] = []
  const enums: EnumShape[] = []
  const fields: FieldShape[] = []
  const found = unlikeMessage(schema)
  if (found !== undefined) place.report(place.path, found)
  const required = new Set((schema['required'] ?? []) as readonly string[])
  for (const [name, field] of Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>)) {
    const inside = { ...place, name: pascalCase(name), scope: fullName, path: `${place.path}/properties/${name}` }
    if (!isFieldName(name)) inside.report(inside.path, 'a field whose name protobuf cannot have')
    const shape = shapeField(field, inside, { messages, enums })
    const facts = { name, protoName: protoFieldName(name), number: fields.length + 1, isRequired: required.has(name) }
    if (shape === undefined) continue
    const mayBeAbsent = !facts.isRequired || field['default'] !== undefined
    if (shape.label !== 'optional' && mayBeAbsent && !isEmpty(field['default'])) inside.report(inside.path, maybeAbsent)
    fields.push({ ...facts, ...shape })
  }
  const shape = { fullName, name: place.name, fields, messages, enums }
  for (const repeated of repeatedNames(shape))
    place.report(place.path, `an object with two parts that protobuf would both call ${repeated}`)
  return shape
}

/** What keeps a schema from being a message; undefined when nothing does. */
function unlikeMessage(schema: JsonSchema): string | undefined {
  if (schema['type'] !== 'object') return `${describe(schema)}, not an object`
  if (['allOf', 'anyOf', 'oneOf'].some((keyword) => keyword in schema)) return 'an object that is also a combination'
  const isRecord = entryOf({ ...schema, properties: undefined }) !== undefined
  if (isRecord)
    return schema['properties'] === undefined
      ? 'a record, not an object with fields'
      : 'an object that is also a record'
  return undefined
}

/** Letters, digits and separators, beginning with a letter, and nothing that every JavaScript object has already. */
function isFieldName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_-]*$/.test(name) && !(name in Object.prototype)
}

/** Names that would be declared twice in a message: fields and types, and the values of its enums, which share its scope. */
function repeatedNames({ fields, messages, enums }: MessageShape): ReadonlySet<string> {
  const entries = fields.filter(({ label }) => label === 'map').map(({ protoName }) => mapEntryName(protoName))
  const names = [
    ...[...fields, ...enums.flatMap(({ values }) => values)].map(({ protoName }) => protoName),
    ...[...messages, ...enums].map(({ name }) => name),
    ...entries,
  ]
  return new Set(names.filter((name, index) => names.indexOf(name) !== index))
}

/** Where the types that a message declares are gathered. */
interface Nested {
  readonly messages: MessageShape[]
  readonly enums: EnumShape[]
}

function shapeField(given: JsonSchema, from: Place, nested: Nested): Pick<FieldShape, 'type' | 'label'> | undefined {
  const { schema, place } = follow(given, from)
  if (schema['type'] === 'array') {
    const { items } = schema
    if (!isSchema(items) || 'prefixItems' in schema) return refuse(place, 'a list without one type of items')
    const type = shapeType(items, { ...place, path: `${place.path}/items` }, nested)
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

function shapeType(given: JsonSchema, from: Place, nested: Nested): FieldType | undefined {
  const { schema, place } = follow(given, from)
  const texts = textsOf(schema)
  if (texts) return shapeEnum(texts, place, nested)
  if (schema['type'] === 'object' && isSchema(schema['properties'])) {
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

/** Follows `$ref` inside the schema; one that leads back to what encloses it cannot be written out. */
function follow(schema: JsonSchema, from: Place): Placed {
  const definitions = schema['$defs']
  const place = isSchema(definitions) ? { ...from, named: { ...from.named, ...definitions } } : from
  const reference = schema['$ref']
  if (typeof reference !== 'string') return { schema, place }
  const target = reference.startsWith('#') ? resolvePointer(place.root, reference) : place.named[reference]
  if (!isSchema(target)) return unknown(place, `a reference to ${reference}, which is not in the schema`)
  if (place.inside.includes(target)) return unknown(place, 'recursive')
  return follow(target, { ...place, inside: [...place.inside, target] })
}

/** What goes on after a reference that leads nowhere: a text, so that one problem is told once. */
function unknown(place: Place, found: string): Placed {
  place.report(place.path, found)
  return { schema: place.path === '' ? { type: 'object' } : { type: 'string' }, place }
}

/** @see RFC 6901 */
function resolvePointer(root: JsonSchema, reference: string): unknown {
  const names = reference.slice(1).split('/').slice(1)
  const unescaped = names.map((name) => decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~'))
  return unescaped.reduce<unknown>(
    (found, name) =>
      typeof found === 'object' && found !== null && Object.hasOwn(found, name) ? Reflect.get(found, name) : undefined,
    root,
  )
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const scalars: Readonly<Record<string, ScalarName>> = { string: 'string', boolean: 'bool', number: 'double' }
const int32 = { min: -2_147_483_648, max: 2_147_483_647 }

function scalarOf(schema: JsonSchema): ScalarName | undefined {
  if (int64RangeOf(schema)) return 'bigint'
  if (bytesRangeOf(schema)) return 'bytes'
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
  const patterns = isSchema(schema['patternProperties']) ? Object.values(schema['patternProperties']) : []
  const entry = patterns.length > 0 ? patterns[0] : schema['additionalProperties']
  if (patterns.length > 1) return { anyOf: patterns }
  return isSchema(entry) && Object.keys(entry).length > 0 ? entry : undefined
}

function describe(schema: JsonSchema): string {
  if (schema['anyOf'] ?? schema['oneOf']) return 'a union'
  if (schema['allOf']) return 'an intersection'
  const type = schema['type']
  if (Array.isArray(type)) return `a choice of types (${type.join(', ')})`
  return typeof type === 'string' ? `of type "${type}"` : 'of no single type'
}
