import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { type HttpOperation, type JsonSchema, type Operation, type RawInput, rawInputOf } from '@tenon/core/contract'
import { compileTextReader, invalidArgument, ServiceError, type TextReader } from '@tenon/core/transport'
import { requestFault } from '../http-status.ts'

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
  const { inputJsonSchema } = operation
  const query = textFields(http.query, inputJsonSchema)
  const path = textFields(http.parameters, inputJsonSchema)
  return (source, pathValues) => {
    const input = readRest(source)
    for (const { name, read } of query) {
      const text = source.query[name]
      place(input, { name, value: text === undefined ? undefined : read(text), from: 'query' })
    }
    for (const { name, read } of path) {
      const value = read(pathValues[name] ?? '')
      const other = source.query[name]
      if (other !== undefined && read(other) !== value) throw differs(name, 'path')
      place(input, { name, value, from: 'path' })
    }
    return input
  }
}

/** Where the fields come from that are in neither path nor query. */
function compileRestReader(operation: Operation, http: HttpOperation) {
  const raw = rawInputOf(operation)
  if (raw) return readRaw(raw)
  if (http.hasBody) return readBody
  return keepsUndeclared(operation.inputJsonSchema) ? readUndeclared(http) : emptyInput
}

interface TextField {
  readonly name: string
  readonly read: TextReader
}

function textFields(names: readonly string[], schema: JsonSchema): readonly TextField[] {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>
  return names.map((name) => ({ name, read: compileTextReader(properties[name] ?? {}) }))
}

/** Whether the schema says something about fields it does not declare; one that says nothing drops them. */
function keepsUndeclared(schema: JsonSchema): boolean {
  return 'additionalProperties' in schema || 'patternProperties' in schema
}

/** Undeclared fields of the query, as text, for the schema to refuse or to take. */
function readUndeclared({ query, parameters }: HttpOperation): (source: InputSource) => Record<string, unknown> {
  const declared = new Set([...query, ...parameters, '__proto__'])
  return (source) => Object.fromEntries(Object.entries(source.query).filter(([name]) => !declared.has(name)))
}

/** The rest of an input that has nothing but fields of path and query. */
export function emptyInput(): Record<string, unknown> {
  return {}
}

interface Placed {
  readonly name: string
  readonly value: unknown
  readonly from: 'path' | 'query'
}

function place(input: Record<string, unknown>, { name, value, from }: Placed): void {
  if (Object.hasOwn(input, name) && input[name] !== value) throw differs(name, from)
  if (value !== undefined) input[name] = value
}

function differs(name: string, from: 'path' | 'query'): ServiceError {
  const message = `is read from the ${from} and must not have another value elsewhere`
  return invalidArgument([{ field: `/${name}`, message, rule: 'location' }])
}

/** The body's own object: fields from path and query are added to it. */
function readBody({ headers, body }: InputSource): Record<string, unknown> {
  if (!Buffer.isBuffer(body) || body.length === 0) return {}
  requireType(headers, 'application/json', jsonType)
  const value = parseJson(body)
  if (isRecord(value)) return value
  throw invalidArgument([{ field: '', message: 'must be object', rule: 'type' }])
}

/** The whole body is one field of bytes; without body and content type the field is absent, with a type it is empty. */
function readRaw({ name, mediaType }: RawInput): (source: InputSource) => Record<string, unknown> {
  const form = typeForm(mediaType)
  return ({ headers, body: given }) => {
    const body = Buffer.isBuffer(given) ? given : Buffer.alloc(0)
    if (body.length === 0 && headers['content-type'] === undefined) return {}
    requireType(headers, mediaType, form)
    return { [name]: toPlainBytes(body) }
  }
}

/** What a content type of the media type looks like, with or without parameters. */
export function typeForm(mediaType: string): RegExp {
  return new RegExp(`^${mediaType.replaceAll(/[.+^$]/g, '\\$&')}\\s*(?:;|$)`, 'i')
}

/** A copy only of a body that shares its memory with others. */
function toPlainBytes(body: Buffer): Uint8Array {
  const isAlone = body.byteLength === body.buffer.byteLength
  return isAlone ? new Uint8Array(body.buffer) : new Uint8Array(body)
}

/** @see RFC 8259 section 11, and RFC 6839 section 3.1 for `+json` */
const jsonType = /^(?:application\/json|[\w.!#$&^-]+\/[\w.!#$&^-]+\+json)\s*(?:;|$)/i

/** @throws ServiceError `invalid_argument` with reason `unsupported_media_type` */
export function requireType(headers: IncomingHttpHeaders, type: string, form: RegExp): void {
  const found = headers['content-type']
  if (found !== type && (found === undefined || !form.test(found))) {
    const message = `the body must be ${type}, found ${found === undefined ? 'no content-type' : found}`
    throw requestFault('unsupported_media_type', message)
  }
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding === 'identity') return
  throw requestFault('unsupported_media_type', `the body must not be encoded, found content-encoding ${encoding}`)
}

function parseJson(body: Buffer): unknown {
  try {
    if (isUtf8(body)) return JSON.parse(body.toString())
  } catch {
    // The parser's own message quotes the input.
  }
  throw new ServiceError('invalid_argument', 'the body is not JSON', { reason: 'undecodable' })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
