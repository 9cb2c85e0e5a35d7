import {
  type Deprecation,
  type HttpOperation,
  type JsonSchema,
  type Operation,
  rawOutputOf,
  rawOutputStreamOf,
} from '@tenon/core/contract'
import type { SchemaBook } from '@tenon/core/transport'
import { capital, type InputPlace } from './describe-input.ts'
import type { Content, Header, Reply } from './document.ts'
import { outputExamples } from './examples.ts'
import { hasContent } from '../reply/reply-type.ts'

type Replies = readonly (readonly [status: number, reply: Reply])[]

/** Every reply to a call that did not fail, by status. */
export function describeSuccess(place: InputPlace, book: SchemaBook): Replies {
  const { operation, http, route } = place
  const headers = headersOf(operation, http)
  const told = headers && { headers }
  const unchanged: Replies =
    http.etag !== undefined && route.method === 'GET'
      ? [[304, { description: 'What the caller has is current.', ...told }]]
      : []
  if (http.status >= 300)
    return [[http.status, { description: 'To be found at another address.', ...told }], ...unchanged]
  const { isSomething, isNothing } = formOf(operation, http)
  const isDownload = isSomething && rawOutputStreamOf(operation) !== undefined
  const replies: readonly (Replies[number] | false)[] = [
    isSomething && [http.status, { ...describeOutput(operation, book), ...told }],
    isNothing && [emptyStatus(http), { description: 'Done; there is nothing to tell.', ...told }],
    isDownload && [206, { ...describeOutput(operation, book), ...part }],
  ]
  return [...replies.filter((reply) => reply !== false), ...unchanged]
}

/** What a reply says that is a part of a download. @see RFC 9110 section 15.3.7 */
const part: Pick<Reply, 'description' | 'headers'> = {
  description: 'The part of the bytes that `Range` asks for.',
  headers: { 'Content-Range': text('Which part it is, and of how many bytes.') },
}

/** What is sent where there is nothing to send. */
function emptyStatus({ status }: HttpOperation): number {
  return status === 200 ? 204 : status
}

interface OutputForm {
  readonly isSomething: boolean
  readonly isNothing: boolean
}

/** Whether an output may be a value, and whether it may be nothing at all. */
function formOf({ kind, outputJsonSchema }: Operation, { status }: HttpOperation): OutputForm {
  if (!hasContent(status)) return { isSomething: false, isNothing: true }
  if (kind === 'server_stream' || kind === 'bidi_stream') return { isSomething: true, isNothing: false }
  const isOnlyNothing = isNothing(outputJsonSchema)
  const mayBeNothing = isOnlyNothing || allowsNothing(outputJsonSchema)
  return { isSomething: !isOnlyNothing, isNothing: mayBeNothing && (isOnlyNothing || status === 200) }
}

function isNothing({ type }: JsonSchema): boolean {
  return type === 'undefined' || type === 'void'
}

/** A schema that says nothing allows what JSON has no word for. */
function allowsNothing(schema: JsonSchema): boolean {
  return Object.keys(schema).every((keyword) => ['title', 'description', '$id', '$schema'].includes(keyword))
}

function describeOutput(operation: Operation, book: SchemaBook): Reply {
  const { kind, outputJsonSchema } = operation
  const pieces = rawOutputStreamOf(operation)
  if (pieces) return { description: 'The bytes, piece by piece.', content: { [pieces.mediaType]: {} } }
  const mediaType = rawOutputOf(operation)
  if (mediaType !== undefined) return { description: 'The bytes.', content: { [mediaType]: {} } }
  const schema = book.add(outputJsonSchema, `${capital(operation.name)}Output`)
  const isStream = kind === 'server_stream' || kind === 'bidi_stream'
  if (isStream) return { description: itemsDescription, content: itemsContent(operation, schema, book) }
  return { description: 'Done.', content: { 'application/json': { schema, ...outputExamples(operation) } } }
}

const itemsDescription =
  'Items as they come: a line of JSON each, or an event each for callers whose `Accept` names `text/event-stream`. A stream that fails ends with a problem.'

/** One record each, as readers of OpenAPI 3.1 take it. @see OpenAPI 3.2, section 4.14.4: the form of an event in a schema */
function itemsContent(operation: Operation, item: JsonSchema, book: SchemaBook): Content {
  const problem = book.refer('Problem')
  const { sse } = operation.http ?? {}
  const failed = { type: 'object', required: ['error'], properties: { error: problem } }
  const carries = (schema: JsonSchema) => ({
    type: 'string',
    contentMediaType: 'application/json',
    contentSchema: schema,
  })
  const event = {
    type: 'object',
    required: ['data'],
    properties: {
      ...(sse?.id !== undefined && { id: { type: 'string', description: `The item's \`${sse.id}\`.` } }),
      ...(sse?.event !== undefined && { event: { type: 'string', description: `The item's \`${sse.event}\`.` } }),
      data: carries(item),
    },
  }
  const end = {
    type: 'object',
    required: ['event', 'data'],
    properties: { event: { const: 'error' }, data: carries(problem) },
  }
  const examples = outputExamples(operation)
  return {
    'application/x-ndjson': { schema: { anyOf: [item, failed] }, ...examples },
    'text/event-stream': { schema: { anyOf: [event, end] } },
  }
}

function headersOf({ deprecation }: Operation, { etag, location }: HttpOperation): Reply['headers'] {
  const headers: readonly (readonly [string, Header])[] = [
    ...(etag === undefined ? [] : [['ETag', text(`The \`${etag}\` of the output, quoted.`)] as const]),
    ...(location === undefined ? [] : [['Location', text('Where it is.')] as const]),
    ...(deprecation === undefined ? [] : deprecationHeaders(deprecation)),
  ]
  return headers.length === 0 ? undefined : Object.fromEntries(headers)
}

/** @see RFC 9745 section 2.1, RFC 8594 section 3 */
function deprecationHeaders({ deprecatedAt, sunsetAt, link }: Deprecation): readonly (readonly [string, Header])[] {
  return [
    ...(deprecatedAt === undefined ? [] : [['Deprecation', text(`Since ${toDate(deprecatedAt)}.`)] as const]),
    ...(sunsetAt === undefined ? [] : [['Sunset', text(`Answers until ${toDate(sunsetAt)}.`)] as const]),
    ...(link === undefined ? [] : [['Link', text('What to use instead.')] as const]),
  ]
}

function toDate(epochMs: number): string {
  return new Date(epochMs).toISOString()
}

function text(description: string): Header {
  return { description, schema: { type: 'string' } }
}
