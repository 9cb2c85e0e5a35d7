import { once } from 'node:events'
import { request } from 'node:http'
import type { Readable, Writable } from 'node:stream'
import type { Operation } from '@tenon/core/contract'
import type { ConformanceHarness, PeerCall, PeerEvent, PeerFailure, PeerReply } from '@tenon/testing/conformance'
import { type HttpOptions, httpTransport } from '@tenon/transport-http'

/** The status that stands for each code, as docs/design.md has it: a copy, so that a change of the transport's own shows. */
const statuses: Readonly<Record<string, number>> = {
  cancelled: 499,
  unknown: 500,
  invalid_argument: 400,
  deadline_exceeded: 504,
  not_found: 404,
  already_exists: 409,
  permission_denied: 403,
  resource_exhausted: 429,
  failed_precondition: 400,
  aborted: 409,
  out_of_range: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  data_loss: 500,
  unauthenticated: 401,
}

/** What is wrong with a request itself has a status of its own, whatever its code. @see RFC 9110 section 15.5.14 */
const statusesOfReason: Readonly<Record<string, number>> = { body_too_large: 413 }

const sizeLimitBytes = 2_097_152

/** A reply whose head has come; destroying it leaves the call. */
export interface HttpReply extends Readable {
  readonly statusCode?: number | undefined
  readonly headers: Readonly<Record<string, unknown>>
  /** What stood behind the body, once that has come. */
  readonly trailers?: Readonly<Record<string, unknown>>
}

export interface HttpAsk {
  readonly port: number
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal | undefined
}

/** What is sent, and what comes back. It fails when the connection does. */
export interface HttpExchange {
  readonly sent: Writable
  readonly answered: Promise<HttpReply>
}

/** A version of HTTP: how its server is started, and how a peer asks it. */
export interface HttpVersion extends Pick<ConformanceHarness, 'name' | 'lacks'> {
  readonly options?: HttpOptions
  /** Makes a connection of its own for every request. */
  open(ask: HttpAsk): HttpExchange
}

/** HTTP/1.1. */
export const httpHarness: ConformanceHarness = harnessOf({
  name: 'http',
  lacks: {
    'cancel.held_back': 'Node does not see the end of an HTTP/1.1 connection behind bytes that nobody reads',
  },
  open: ({ signal, ...ask }) => {
    const sent = request({ host: '127.0.0.1', ...ask, agent: false, ...(signal && { signal }) })
    return { sent, answered: once(sent, 'response').then(([reply]) => reply as HttpReply) }
  },
})

/** JSON bodies, NDJSON for what is sent item by item, and server-sent events for what is received so. */
export function harnessOf({ name, lacks = {}, options, open }: HttpVersion): ConformanceHarness {
  return {
    name,
    lacks,
    sizeLimitBytes,
    start: async (service) => {
      const transport = httpTransport({ port: 0, bodyLimitBytes: sizeLimitBytes, ...options })
      const { addresses } = await service.start(transport)
      const port = addresses.find(({ protocol }) => protocol.startsWith('http'))?.port
      if (port === undefined) throw new TypeError('nothing listens on HTTP')
      return {
        call: async (call) => {
          const reply = await send(open, port, call)
          return 'code' in reply ? reply : toReply(reply, await textOf(reply))
        },
        stream: (call) => readEvents(send(open, port, call)),
      }
    },
  }
}

/** Resolves with the head of the reply; a server that takes no connection is `unavailable`. */
async function send(open: HttpVersion['open'], port: number, call: PeerCall): Promise<HttpReply | PeerFailure> {
  const { operation, metadata, timeoutMs, signal, inputs } = call
  const { method, path, body } = toRequest(operation, call.input)
  const hasBody = body !== undefined || inputs !== undefined
  const headers = {
    accept: `${operation.kind.includes('unary') ? 'application/json' : 'text/event-stream, application/json'}, application/problem+json`,
    ...(hasBody && { 'content-type': inputs ? 'application/x-ndjson' : 'application/json' }),
    te: 'trailers',
    ...(timeoutMs !== undefined && { 'x-request-timeout-ms': String(timeoutMs) }),
    ...metadata,
  }
  const { sent, answered } = open({ port, method, path, headers, signal })
  if (inputs) void sendLines(sent, inputs)
  else sent.end(body)
  try {
    const reply = await answered
    sent.on('error', () => undefined)
    return reply
  } catch (error) {
    if (Reflect.get(Object(error), 'code') !== 'ECONNREFUSED') throw error
    return { ok: false, code: 'unavailable', message: 'the connection was refused', headers: {} }
  }
}

interface RequestParts {
  readonly method: string
  readonly path: string
  readonly body: string | undefined
}

function toRequest({ http }: Operation, input: unknown): RequestParts {
  if (http === undefined) throw new TypeError('the operation has no route')
  const { method, path: template, hasBody, parameters, query } = http
  const texts = hasBody || input === undefined ? {} : (input as Readonly<Record<string, string | readonly string[]>>)
  const path = parameters.reduce<string>(
    (text, name) => text.replace(`:${name}`, encodeURIComponent(String(texts[name]))),
    template,
  )
  const search = new URLSearchParams(
    query.flatMap((name) => [texts[name] ?? []].flat().map((text): [string, string] => [name, text])),
  ).toString()
  const body = hasBody && input !== undefined ? JSON.stringify(input) : undefined
  return { method, path: search === '' ? path : `${path}?${search}`, body }
}

async function sendLines(sent: Writable, inputs: AsyncIterable<unknown>): Promise<void> {
  const over = new AbortController()
  sent.once('close', () => over.abort())
  try {
    for await (const input of inputs) {
      if (sent.destroyed) return
      if (!sent.write(`${JSON.stringify(input)}\n`)) await once(sent, 'drain', { signal: over.signal })
    }
    sent.end()
  } catch {
    // The inputs break off, and so does the request.
    sent.destroy(new Error('the inputs broke off'))
  }
}

async function textOf(reply: HttpReply): Promise<string> {
  let text = ''
  for await (const chunk of reply.setEncoding('utf8')) text += String(chunk)
  return text
}

/** @throws Error for a reply that does not follow the rules of the transport. */
function toReply(reply: HttpReply, text: string): PeerReply {
  const { statusCode = 0 } = reply
  const headers = headersOf(reply)
  const type = headers['content-type'] ?? ''
  if (statusCode < 300) {
    const trailers = namedTrailers(headers)
    if (text === '') return { ok: true, output: undefined, headers, trailers }
    if (!type.startsWith('application/json')) throw new Error(`expected JSON, found ${type}`)
    return { ok: true, output: JSON.parse(text), headers, trailers }
  }
  if (!type.startsWith('application/problem+json')) throw new Error(`expected a problem, found ${type}: ${text}`)
  const failure = toFailure(text, headers)
  const expected = statusesOfReason[failure.reason ?? ''] ?? statuses[failure.code]
  if (statusCode !== expected) throw new Error(`status ${statusCode} does not stand for ${failure.code}`)
  if (failure.details?.['retryDelayMs'] !== undefined && headers['retry-after'] === undefined)
    throw new Error('a retry delay needs a Retry-After')
  return failure
}

function headersOf({ headers }: Pick<HttpReply, 'headers'>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}

/** Of a reply that is written at once, trailers are those headers that another one names. */
function namedTrailers(headers: PeerFailure['headers']): Readonly<Record<string, string>> {
  const names = headers['tenon-trailers']?.split(', ') ?? []
  return Object.fromEntries(names.map((name) => [name, headers[name] ?? '']))
}

interface Problem {
  readonly code: string
  readonly detail: string
  readonly reason?: string
  readonly errors?: readonly object[]
  readonly details?: Readonly<Record<string, unknown>>
}

/** @see RFC 9457 */
function toFailure(text: string, headers: PeerFailure['headers']): PeerFailure {
  const { code, detail, reason, errors, details } = JSON.parse(text) as Problem
  const all = { ...details, ...(errors && { violations: errors }) }
  return {
    ok: false,
    code,
    message: detail,
    reason,
    details: Object.keys(all).length > 0 ? all : undefined,
    headers,
    trailers: namedTrailers(headers),
    received: text,
  }
}

/** @see HTML Standard section 9.2, server-sent events */
async function* readEvents(sent: ReturnType<typeof send>): AsyncGenerator<PeerEvent> {
  const reply = await sent
  if ('code' in reply) return yield { failure: reply }
  if (reply.statusCode !== 200) {
    const refused = toReply(reply, await textOf(reply))
    if (!refused.ok) yield { failure: refused }
    return yield { trailers: refused.trailers ?? {} }
  }
  try {
    yield { headers: headersOf(reply) }
    let event = 'message'
    for await (const line of linesOf(reply)) {
      if (line.startsWith('event: ')) event = line.slice('event: '.length)
      if (!line.startsWith('data: ')) continue
      const data = line.slice('data: '.length)
      yield event === 'error' ? { failure: toFailure(data, {}) } : { item: JSON.parse(data) }
      event = 'message'
    }
    yield { trailers: headersOf({ headers: reply.trailers ?? {} }) }
  } finally {
    reply.destroy()
  }
}

/** Not by `node:readline`, which also takes U+2028 for the end of a line. */
async function* linesOf(reply: HttpReply): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of reply.setEncoding('utf8')) {
    const lines = `${rest}${String(chunk)}`.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
