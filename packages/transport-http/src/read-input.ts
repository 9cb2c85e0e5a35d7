import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import type { HttpOperation, JsonSchema, Operation } from '@tenon/core/contract'
import { compileTextReader, invalidArgument, type ServiceError, type TextReader } from '@tenon/core/transport'
import { requestFault } from './http-status.ts'

/** Path parameters by name, percent-decoded. */
export type PathValues = Readonly<Record<string, string>>

/** A request as far as the input is read from it. */
export interface InputSource {
  readonly headers: IncomingHttpHeaders
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Buffer | undefined
}

/** @throws ServiceError `invalid_argument` */
export type ReadInput = (source: InputSource, path: PathValues) => Record<string, unknown>

/** Decides at boot where each field of the input is read; a field has one place, whatever else a request carries. */
export function compileInputReader({ inputJsonSchema }: Operation, http: HttpOperation): ReadInput {
  const query = textFields(http.query, inputJsonSchema)
  const path = textFields(http.parameters, inputJsonSchema)
  const readRest = http.hasBody ? readBody : keepsUndeclared(inputJsonSchema) ? readUndeclared(http) : emptyInput
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

function emptyInput(): Record<string, unknown> {
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
  if (body === undefined || body.length === 0) return {}
  requireJson(headers)
  const value = parseJson(body)
  if (isRecord(value)) return value
  throw invalidArgument([{ field: '', message: 'must be object', rule: 'type' }])
}

/** @see RFC 8259 section 11, and RFC 6839 section 3.1 for `+json` */
const jsonType = /^(?:application\/json|[\w.!#$&^-]+\/[\w.!#$&^-]+\+json)\s*(?:;|$)/i

function requireJson(headers: IncomingHttpHeaders): void {
  const found = headers['content-type']
  if (found !== 'application/json' && (found === undefined || !jsonType.test(found))) {
    const message = `the body must be application/json, found ${found === undefined ? 'no content-type' : found}`
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
  throw invalidArgument([{ field: '', message: 'must be valid JSON', rule: 'json' }])
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
