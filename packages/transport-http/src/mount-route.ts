import type { HttpOperation, Operation } from '@tenon/core/contract'
import { compileJsonWriter, type Logger, type Outcome } from '@tenon/core/transport'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { type CallReading, HttpCall, type HttpExchange, type HttpRequest, type HttpShape } from './http-call.ts'
import { requestFault } from './http-status.ts'
import type { OpenReplies } from './open-replies.ts'
import { compileInputReader } from './read-input.ts'
import {
  compileAllowedMethods,
  compilePathReader,
  groupRoutes,
  type HttpRoute,
  rawPath,
  type ReadPath,
} from './route-table.ts'
import { compileValueWriter, writeFailure, writeUnwritable } from './write-reply.ts'
import { writeStream } from './write-stream.ts'

/** What all routes of a server share. */
export interface RouteSurroundings {
  readonly replies: OpenReplies
  readonly maxTimeoutMs: number
  readonly log: Logger
}

type Serve = (exchange: HttpExchange) => Promise<void>

/** Mounts every route. What a route needs is decided here; a request only runs it. */
export function mountRoutes(
  server: FastifyInstance,
  routes: readonly HttpRoute[],
  surroundings: RouteSurroundings,
): void {
  for (const group of groupRoutes(routes)) {
    const method = group.method === 'GET' ? ['GET', 'HEAD'] : [group.method]
    const handler = compileGroup(
      group.routes.map((route) => ({
        http: route.http,
        readPath: compilePathReader(route, routes),
        serve: compileServe(route, surroundings),
      })),
    )
    server.route<HttpShape>({ method, url: group.path, exposeHeadRoute: false, handler })
  }
}

/** Answers a path that no route has, and a verb that no route has at a path. */
export function compileNotFound(
  routes: readonly HttpRoute[],
): (request: Pick<HttpRequest, 'method' | 'url'>, reply: FastifyReply) => void {
  const allowedAt = compileAllowedMethods(routes)
  return ({ method, url }, reply) => {
    const path = rawPath(url)
    const allowed = allowedAt(path).join(', ')
    if (allowed === '') {
      const error = requestFault('route_not_found', `nothing is found at ${method} ${path}`)
      return writeFailure(reply, { error })
    }
    const error = requestFault('method_not_allowed', `${path} answers ${allowed}, not ${method}`)
    writeFailure(reply.header('allow', allowed), { error })
  }
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

function compileServe({ endpoint, http }: HttpRoute, surroundings: RouteSurroundings): Serve {
  const { replies, maxTimeoutMs, log } = surroundings
  const { operation } = endpoint
  const reading: CallReading = { read: compileInputReader(operation, http), maxTimeoutMs }
  const write =
    operation.kind === 'server_stream'
      ? streamWriter(operation, { status: http.status, log })
      : valueWriter(operation, http)
  return async (exchange) => {
    const outcome = await endpoint.dispatch(new HttpCall(exchange, reading))
    const { reply } = exchange
    try {
      if (replies.isWithdrawn) reply.header('connection', 'close')
      const written = write(reply, outcome)
      if (written) await written
    } catch (thrown) {
      writeUnwritable(reply, thrown, log)
    }
  }
}

type Write = (reply: FastifyReply, outcome: Outcome) => Promise<void> | void

function valueWriter(operation: Operation, { status }: HttpOperation): Write {
  const writeValue = compileValueWriter(operation, status)
  return (reply, outcome) => (outcome.ok ? writeValue(reply, outcome) : writeFailure(reply, outcome))
}

function streamWriter(
  operation: Operation,
  { status, log }: Pick<HttpOperation, 'status'> & { readonly log: Logger },
): Write {
  const writeJson = compileJsonWriter(operation.outputJsonSchema)
  return (reply, outcome) => {
    if (!outcome.ok) return writeFailure(reply, outcome)
    return writeStream(reply, { success: outcome, status, writeJson, log })
  }
}
