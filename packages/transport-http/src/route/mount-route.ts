import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { type HttpOperation, isFormPart, type Operation, rawOutputStreamOf } from '@tenon/core/contract'
import { type CallConvention, httpServerConvention } from '@tenon/core/telemetry'
import { compileJsonWriter, type Logger, type Outcome } from '@tenon/core/transport'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type CallReading, HttpCall, type HttpExchange, type HttpRequest, type HttpShape } from '../http-call.ts'
import { requestFault, statusOf } from '../http-status.ts'
import type { BodyReader } from '../input/read-body.ts'
import { compileInputReader } from '../input/read-input.ts'
import { loadFormParser, type OpenForm } from '../input/form-parser.ts'
import { compileStreamReader } from '../input/read-stream.ts'
import {
  compileAllowedMethods,
  compilePathReader,
  groupRoutes,
  type HttpRoute,
  rawPath,
  type ReadPath,
  type RouteGroup,
} from './route-table.ts'
import { compileAcceptable } from '../reply/accept.ts'
import { compileNotice } from '../reply/deprecation-notice.ts'
import { replyTypes } from '../reply/reply-type.ts'
import { compileValueWriter, writeFailure, writeUnwritable } from '../reply/write-reply.ts'
import { sentId } from '../reply/sent-id.ts'
import { compileForms } from '../reply/stream-form.ts'
import { writeDownload } from '../reply/write-download.ts'
import { writeStream } from '../reply/write-stream.ts'

/** What all routes of a server share. */
export interface RouteSurroundings {
  readonly bodies: BodyReader
  readonly bodyLimitBytes: number
  readonly inputIdleTimeoutMs: number
  readonly maxTimeoutMs: number
  readonly scheme: 'http' | 'https'
  readonly log: Logger
}

/** What is loaded when a route needs it. */
interface LoadedSurroundings extends RouteSurroundings {
  readonly openForm?: OpenForm | undefined
}

type Serve = (exchange: HttpExchange) => Promise<void>

/** Mounts every route. What a route needs is decided here; a request only runs it. */
export function mountRoutes(
  scope: FastifyInstance,
  routes: readonly HttpRoute[],
  surroundings: RouteSurroundings,
): void {
  const { bodies } = surroundings
  const groups = groupRoutes(routes)
  const mount = (server: FastifyInstance, group: RouteGroup, around: LoadedSurroundings = surroundings) => {
    const method = group.method === 'GET' ? ['GET', 'HEAD'] : [group.method]
    const candidates = group.routes.map((route) => ({
      http: route.http,
      readPath: compilePathReader(route, routes),
      serve: group.routes.some(takesItems) ? readingWhole(route, around) : compileServe(route, around),
    }))
    const isKnown = group.method === 'GET' ? undefined : compileKnown(candidates)
    server.route<HttpShape>({
      method,
      url: group.path,
      exposeHeadRoute: false,
      ...(isKnown !== undefined && { preParsing: knownOnly(isKnown) }),
      handler: compileGroup(candidates),
    })
  }
  parseBodies(scope, (request, payload, done) => {
    // What is sent to nowhere is answered at once.
    if (request.is404) done(null)
    else bodies.read(request, payload, done)
  })
  const streaming = groups.filter((group) => group.routes.some(takesItems))
  for (const group of groups) if (!streaming.includes(group)) mount(scope, group)
  if (streaming.length === 0) return
  scope.register(async (server) => {
    parseBodies(server, (_request, payload, done) => done(null, payload))
    const around = streaming.some(takesForm) ? { ...surroundings, openForm: await loadFormParser() } : surroundings
    for (const group of streaming) mount(server, group, around)
  })
}

/** Whether the body of a request to the route is a stream of items. */
export function takesItems({ endpoint }: HttpRoute): boolean {
  const { kind } = endpoint.operation
  return kind === 'client_stream' || kind === 'bidi_stream'
}

function takesForm({ routes }: RouteGroup): boolean {
  return routes.some(({ endpoint }) => isFormPart(endpoint.operation.inputJsonSchema))
}

type ParseBody = (
  request: FastifyRequest,
  payload: IncomingMessage,
  done: (error: Error | null, body?: Buffer | Readable) => void,
) => void

function parseBodies(server: FastifyInstance, parse: ParseBody): void {
  server.removeAllContentTypeParsers()
  // The first is covered by the second, but only a parser for a named type is found without parsing the header anew.
  for (const type of ['application/json', '*']) server.addContentTypeParser(type, parse)
}

/** Answers a path that neither a route nor a document has, and a verb that none has at a path. */
export function compileNotFound(
  routes: readonly HttpRoute[],
  documentPaths: readonly string[] = [],
): (request: Pick<HttpRequest, 'method' | 'url'>, reply: FastifyReply) => void {
  const allowedAt = compileAllowedMethods(routes)
  return ({ method, url }, reply) => {
    const path = rawPath(url)
    const shown = documentPaths.includes(path) ? ['GET', 'HEAD'] : []
    const allowed = [...new Set([...shown, ...allowedAt(path)])].toSorted().join(', ')
    if (method === 'OPTIONS' && (allowed !== '' || path === '*')) return writeOptions(reply, allowed)
    if (allowed === '') {
      const error = requestFault('route_not_found', `nothing is found at ${method} ${path}`)
      return writeFailure(reply, { error })
    }
    const error = requestFault('method_not_allowed', `${path} answers ${allowed}, not ${method}`)
    writeFailure(reply.header('allow', allowed), { error })
  }
}

/** @see RFC 9110 section 9.3.7; `*` asks for the server as a whole, of which there is nothing to say */
function writeOptions(reply: FastifyReply, allowed: string): void {
  if (allowed !== '') reply.header('allow', allowed)
  const callId = sentId(reply.request.headers)
  if (callId !== undefined) reply.header('x-request-id', callId)
  reply.code(204).send()
}

type Handler = (request: HttpRequest, reply: FastifyReply) => void

/** A route of a group, ready to serve. */
interface Candidate {
  readonly http: HttpOperation
  readonly readPath: ReadPath | undefined
  readonly serve: Serve
}

function compileGroup(candidates: readonly Candidate[]): Handler {
  const [only, ...others] = candidates
  if (only !== undefined && others.length === 0 && only.readPath === undefined) return compileOnly(only)
  return (request, reply) => {
    const target = rawPath(request.url)
    for (const { readPath, serve } of candidates) {
      const path = readPath?.(target)
      if (path !== undefined) return void serve({ request, reply, path })
    }
    reply.callNotFound()
  }
}

/** The router takes nothing between two slashes, or behind the last, for an empty value. */
function compileOnly({ http: { parameters }, serve }: Candidate): Handler {
  return (request, reply) => {
    const path = request.params
    if (parameters.some((name) => path[name] === '')) reply.callNotFound()
    else void serve({ request, reply, path })
  }
}

type IsKnown = (request: HttpRequest) => boolean

/** Whether some candidate is meant, as the handler decides; undefined where the router leaves nothing to ask. */
function compileKnown(candidates: readonly Candidate[]): IsKnown | undefined {
  const [only, ...others] = candidates
  if (only !== undefined && others.length === 0 && only.readPath === undefined) {
    const { parameters } = only.http
    return parameters.length === 0 ? undefined : ({ params }) => parameters.every((name) => params[name] !== '')
  }
  return ({ url }) => {
    const target = rawPath(url)
    return candidates.some(({ readPath }) => readPath?.(target) !== undefined)
  }
}

/** Answers what no candidate is meant by before its body is waited for, as what the router does not know. */
function knownOnly(isKnown: IsKnown) {
  return (request: HttpRequest, reply: FastifyReply, ...[payload, done]: [Readable, PayloadDone]): void => {
    if (isKnown(request)) done(null, payload)
    else reply.callNotFound()
  }
}

type PayloadDone = (error: null, payload: Readable) => void

/** A route that shares its path with an input stream: the body comes unread, whichever of them the request is for. */
function readingWhole(route: HttpRoute, surroundings: LoadedSurroundings): Serve {
  const serve = compileServe(route, surroundings)
  if (takesItems(route)) return serve
  return async (exchange) => {
    const { request, reply } = exchange
    const { body } = request
    if (!(body instanceof Readable)) return serve(exchange)
    surroundings.bodies.read(request, body, (error, bytes) => {
      request.body = bytes
      if (error) reply.send(error)
      else void serve(exchange)
    })
  }
}

function compileServe(route: HttpRoute, surroundings: LoadedSurroundings): Serve {
  const { maxTimeoutMs, scheme, log } = surroundings
  const { endpoint, http } = route
  const { operation } = endpoint
  const read = takesItems(route)
    ? compileStreamReader(operation, http, surroundings)
    : compileInputReader(operation, http)
  const reading: CallReading = {
    read,
    maxTimeoutMs,
    conventionOf: compileConventions(http, scheme),
    isAcceptable: compileAcceptable(replyTypes(operation, http)),
  }
  const write =
    operation.kind === 'server_stream' || operation.kind === 'bidi_stream'
      ? streamWriter(operation, http, log)
      : valueWriter(operation, http)
  const addNotice = compileNotice(operation.deprecation)
  return async (exchange) => {
    const dispatched = await endpoint.dispatch(new HttpCall(exchange, reading))
    const { request, reply } = exchange
    try {
      const outcome = addNotice ? addNotice(dispatched) : dispatched
      if (request.raw.headers['x-request-id'] !== undefined) reply.header('x-request-id', outcome.callId)
      const written = write(reply, outcome)
      if (written) await written
    } catch (thrown) {
      writeUnwritable(reply, { thrown, callId: dispatched.callId, log })
    }
  }
}

/** HEAD comes where GET does. */
function compileConventions(
  { method, path, status }: HttpOperation,
  scheme: RouteSurroundings['scheme'],
): (method: string) => CallConvention {
  const facts = { route: path, scheme, status, statusOf }
  const own = httpServerConvention({ method, ...facts })
  const head = method === 'GET' ? httpServerConvention({ method: 'HEAD', ...facts }) : own
  return (sent) => (sent === 'HEAD' ? head : own)
}

type Write = (reply: FastifyReply, outcome: Outcome) => Promise<void> | void

function valueWriter(operation: Operation, http: HttpOperation): Write {
  const writeValue = compileValueWriter(operation, http)
  return (reply, outcome) => (outcome.ok ? writeValue(reply, outcome) : writeFailure(reply, outcome))
}

function streamWriter(operation: Operation, { status, sse, heartbeatMs }: HttpOperation, log: Logger): Write {
  const raw = rawOutputStreamOf(operation)
  const chooseForm = compileForms(compileJsonWriter(operation.outputJsonSchema), sse)
  return (reply, outcome) => {
    if (!outcome.ok) return writeFailure(reply, outcome)
    if (raw) return writeDownload(reply, { success: outcome, status, raw, log })
    return writeStream(reply, { success: outcome, status, chooseForm, heartbeatMs, log })
  }
}
