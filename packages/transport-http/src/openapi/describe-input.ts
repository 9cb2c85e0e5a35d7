import {
  bytesRangeOf,
  type HttpBoundRoute,
  type HttpOperation,
  isFormPart,
  type JsonSchema,
  type Operation,
  rawInputOf,
  rawOutputStreamOf,
} from '@tenon/core/contract'
import type { SchemaBook } from '@tenon/core/transport'
import type { Content, Parameter, RequestBody } from './document.ts'
import { inputExamples } from './examples.ts'
import { fieldSchema } from '../field-schema.ts'
import { hasFieldsBeside, omitFields } from './omit-fields.ts'

/** What is read of a request to one route of an operation. */
export interface InputPlace {
  readonly operation: Operation
  readonly http: HttpOperation
  readonly route: HttpBoundRoute
  /** What the document calls the parameters of the path. */
  readonly pathNames: readonly string[]
}

/** The fields that are read from elsewhere than the body, in the order path, query, headers, cookies. */
export function describeParameters(place: InputPlace, book: SchemaBook): readonly Parameter[] {
  const { operation, http, route, pathNames } = place
  const schema = operation.inputJsonSchema
  const write = (field: string, at: Pick<Parameter, 'name' | 'in'>) =>
    toParameter(at, {
      schema: fieldSchema(schema, field),
      isRequired: isRequired(schema, field),
      examples: inputExamples(place, field),
      book,
    })
  return [
    ...route.parameters.map((field, index) => write(field, { name: pathNames[index] ?? field, in: 'path' })),
    ...route.query.map((name) => write(name, { name, in: 'query' })),
    // OpenAPI has other words for these headers, and ignores parameters that are named so.
    ...http.headers.flatMap(({ field, name }) => (reserved.has(name) ? [] : [write(field, { name, in: 'header' })])),
    ...http.cookies.map(({ field, name }) => write(field, { name, in: 'cookie' })),
    ...conditionsOf(place),
  ]
}

/** What the body of a request holds; undefined where it holds nothing of the input. */
export function describeBody(place: InputPlace, book: SchemaBook): RequestBody | undefined {
  const { operation, http, route } = place
  if (!route.hasBody) return undefined
  const raw = rawInputOf(operation)
  const isStream = operation.kind === 'client_stream' || operation.kind === 'bidi_stream'
  // Without a body a stream has no parts, no items, or one item of no bytes.
  if (isFormPart(operation.inputJsonSchema)) return { required: false, ...formBody(http) }
  if (raw) return { required: needsBytes(operation, raw.name, isStream), content: { [raw.mediaType]: {} } }
  if (isStream) return { required: false, ...itemsBody(place, book) }
  if (http.body !== undefined) return fieldBody(http.body, place, book)
  return restBody(place, book)
}

function needsBytes({ inputJsonSchema }: Operation, name: string, isStream: boolean): boolean {
  if (!isStream) return isRequired(inputJsonSchema, name)
  return (bytesRangeOf(fieldSchema(inputJsonSchema, name))?.minLength ?? 0) > 0
}

/** What a caller may say of the reply, whatever its input is. */
function conditionsOf({ operation, http, route }: InputPlace): readonly Parameter[] {
  if (route.method !== 'GET') return []
  const isTaken = http.headers.some(({ name }) => name === 'if-none-match')
  const hasVersion = http.etag !== undefined && !isTaken
  const note = 'What the caller has, by its `ETag`: the same is not sent again.'
  return [
    ...(hasVersion ? [headerOf('If-None-Match', note)] : []),
    ...(rawOutputStreamOf(operation) ? [headerOf('Range', 'The bytes that are wanted, such as `bytes=0-99`.')] : []),
  ]
}

function headerOf(name: string, description: string): Parameter {
  return { name, in: 'header', description, schema: { type: 'string' } }
}

/** @see OpenAPI 3.1, parameter object, on the name of a header parameter */
const reserved = new Set(['accept', 'authorization', 'content-type'])

interface Written {
  readonly schema: JsonSchema
  readonly isRequired: boolean
  readonly examples: ReturnType<typeof inputExamples>
  readonly book: SchemaBook
}

function toParameter(
  place: Pick<Parameter, 'name' | 'in'>,
  { schema, isRequired: isNeeded, examples, book }: Written,
): Parameter {
  const { description, deprecated, ...rest } = isVersion(place) ? versionOf(place.name, schema) : schema
  const isList = rest['type'] === 'array'
  return {
    ...place,
    ...(typeof description === 'string' && { description }),
    ...((isNeeded || place.in === 'path') && { required: true }),
    ...(deprecated === true && { deprecated: true }),
    ...(isList && { style: place.in === 'query' ? 'form' : 'simple', explode: place.in === 'query' }),
    schema: book.add(rest, place.name),
    ...examples,
  }
}

function isVersion({ name }: Pick<Parameter, 'name'>): boolean {
  return name === 'if-match' || name === 'if-none-match'
}

/** A version on the wire, whatever it is to the handler. @see RFC 9110 section 8.8.3 */
function versionOf(name: string, { type, description, deprecated }: JsonSchema): JsonSchema {
  const tag = `${name === 'if-match' ? '' : '(?:W/)?'}"[\\x21\\x23-\\x7e]*"`
  const tags = type === 'array' ? `${tag}(?:, *${tag})*` : tag
  const form = `${type === 'array' ? 'Versions' : 'A version'} in double quotes, as \`ETag\` gives it, or \`*\`.`
  const said = typeof description === 'string' ? `${description} ${form}` : form
  return { type: 'string', pattern: `^(?:\\*|${tags})$`, description: said, ...(deprecated === true && { deprecated }) }
}

/** Whether a caller must send a field: one with a default is filled in. */
function isRequired(schema: JsonSchema, name: string): boolean {
  const names = schema['required']
  return Array.isArray(names) && names.includes(name) && !('default' in fieldSchema(schema, name))
}

/** The fields of the input that are in no body. */
function fieldsElsewhere({ http, route }: InputPlace): ReadonlySet<string> {
  const named = [...http.headers, ...http.cookies].map(({ field }) => field)
  return new Set([...route.parameters, ...route.query, ...named])
}

function restBody(place: InputPlace, book: SchemaBook): RequestBody | undefined {
  const { operation } = place
  const elsewhere = fieldsElsewhere(place)
  if (!hasFieldsBeside(operation.inputJsonSchema, elsewhere)) return undefined
  const rest = omitFields(operation.inputJsonSchema, elsewhere)
  const names = rest['required']
  const required = Array.isArray(names) && names.some((name: string) => isRequired(rest, name))
  const schema = book.add(rest, `${capital(operation.name)}Input`)
  return { required, content: { 'application/json': { schema, ...inputExamples(place, elsewhere) } } }
}

function fieldBody(name: string, place: InputPlace, book: SchemaBook): RequestBody {
  const { inputJsonSchema } = place.operation
  const schema = book.add(fieldSchema(inputJsonSchema, name), capital(name))
  const content = { 'application/json': { schema, ...inputExamples(place, name) } }
  return { required: isRequired(inputJsonSchema, name), content }
}

/** Items of JSON, one a line. */
function itemsBody(place: InputPlace, book: SchemaBook): { readonly description: string; readonly content: Content } {
  const { operation } = place
  const item = omitFields(operation.inputJsonSchema, fieldsElsewhere(place))
  const schema = book.add(item, `${capital(operation.name)}Item`)
  return {
    description: 'Any number of items, each as JSON on a line of its own; read as the service asks for them.',
    content: { 'application/x-ndjson': { schema, ...inputExamples(place, fieldsElsewhere(place)) } },
  }
}

function formBody({ upload }: HttpOperation): { readonly description: string; readonly content: Content } {
  const { maxBytes, maxPartBytes, maxPartCount } = upload
  const description = `Parts with any names and contents: at most ${maxPartCount}, each of at most ${maxPartBytes} bytes, the body of at most ${maxBytes}.`
  return {
    description,
    content: {
      'multipart/form-data': { schema: { type: 'object', additionalProperties: true, maxProperties: maxPartCount } },
    },
  }
}

/** `getUser` becomes `GetUser`. */
export function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1)
}
