import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { type HttpOperation, type JsonSchema, type Operation, type RawInput, rawInputOf } from '@tenon/core/contract'
import { invalidArgument, ServiceError } from '@tenon/core/transport'
import { jsonType, rawType, requireType } from './media-type.ts'
import { compilePlacedFields, compileQueryGuard, place } from './placed-field.ts'

/** Path parameters by name, percent-decoded. */
export type PathValues = Readonly<Record<string, string>>

/** A request as far as the input is read from it. */
export interface InputSource {
  readonly headers: IncomingHttpHeaders
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Read already, unless it is a stream of items. */
  readonly body: Buffer | Readable | undefined
}

/** @throws ServiceError `invalid_argument` */
export type ReadInput = (source: InputSource, path: PathValues) => Record<string, unknown>

/** Decides at boot where each field of the input is read; a field has one place, whatever else a request carries. */
export function compileInputReader(
  operation: Operation,
  http: HttpOperation,
  readRest = compileRestReader(operation, http),
): ReadInput {
  const fields = compilePlacedFields(http, operation.inputJsonSchema)
  return (source, path) => {
    const input = readRest(source)
    for (const field of fields) place(input, field, field.read(source, path))
    return input
  }
}

type ReadRest = (source: InputSource) => Record<string, unknown>

/** Where the fields come from that have no other place. */
function compileRestReader(operation: Operation, http: HttpOperation): ReadRest {
  const raw = rawInputOf(operation, http)
  if (http.hasBody) {
    const guard = compileQueryGuard(http, operation.inputJsonSchema)
    const read = raw ? readRaw(raw) : http.body === undefined ? readBody : readField(http.body)
    return (source) => {
      const input = read(source)
      guard(source, input)
      return input
    }
  }
  return keepsUndeclared(operation.inputJsonSchema) ? readUndeclared(http) : emptyInput
}

/** Whether the schema says something about fields it does not declare; one that says nothing drops them. */
function keepsUndeclared(schema: JsonSchema): boolean {
  return 'additionalProperties' in schema || 'patternProperties' in schema
}

/** Undeclared fields of the query, as text, for the schema to refuse or to take. */
function readUndeclared({ query, parameters, headers, cookies }: HttpOperation): ReadRest {
  const named = [...headers, ...cookies].map(({ field }) => field)
  const declared = new Set([...query, ...parameters, ...named, '__proto__'])
  return (source) => Object.fromEntries(Object.entries(source.query).filter(([name]) => !declared.has(name)))
}

/** The rest of an input that has nothing but fields with places of their own. */
export function emptyInput(): Record<string, unknown> {
  return {}
}

/** The body's own object: fields from elsewhere are added to it. */
function readBody(source: InputSource): Record<string, unknown> {
  const value = readJson(source)
  if (value === undefined) return {}
  if (isRecord(value)) return value
  throw invalidArgument([{ field: '', message: 'must be object', rule: 'type' }])
}

/** The whole body is one field, of whatever type. */
function readField(name: string): ReadRest {
  return (source) => {
    const value = readJson(source)
    return value === undefined ? {} : { [name]: value }
  }
}

/** Undefined without a body. */
function readJson({ headers, body }: InputSource): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0) return undefined
  requireType(headers, jsonType)
  try {
    // Of two members with one name the last counts. @see RFC 8259 section 4, and JSON.parse
    if (isUtf8(body)) return JSON.parse(body.toString())
  } catch {
    // The parser's own message quotes the input.
  }
  throw new ServiceError('invalid_argument', 'the body is not JSON', { reason: 'undecodable' })
}

/** The whole body is one field of bytes; without body and content type the field is absent, with a type it is empty. */
function readRaw({ name, mediaType }: RawInput): ReadRest {
  const type = rawType(mediaType)
  return ({ headers, body: given }) => {
    const body = Buffer.isBuffer(given) ? given : Buffer.alloc(0)
    if (body.length === 0 && headers['content-type'] === undefined) return {}
    requireType(headers, type)
    return { [name]: toPlainBytes(body) }
  }
}

/** A copy only of a body that shares its memory with others. */
function toPlainBytes(body: Buffer): Uint8Array {
  const isAlone = body.byteLength === body.buffer.byteLength
  return isAlone ? new Uint8Array(body.buffer) : new Uint8Array(body)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
