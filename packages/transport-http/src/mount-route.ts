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
  hasVerb,
  type HttpRoute,
  rawPath,
  type RouteGroup,
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
    const handler = compileGroup(group, surroundings)
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

function compileGroup({ routes }: RouteGroup, surroundings: RouteSurroundings): Handler {
  const [only, ...others] = routes
  if (only !== undefined && others.length === 0 && !hasVerb(only)) {
    const serve = compileServe(only, surroundings)
    return (request, reply) => void serve({ request, reply, path: request.params })
  }
  const candidates = routes.map((route) => ({
    read: compilePathReader(route.http),
    serve: compileServe(route, surroundings),
  }))
  return (request, reply) => {
    const target = rawPath(request.url)
    for (const { read, serve } of candidates) {
      const path = read(target)
      if (path !== undefined) return void serve({ request, reply, path })
    }
    reply.callNotFound()
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
    const items = outcome.value as AsyncIterable<unknown>
    return writeStream(reply, { items, headers: outcome.headers, status, writeJson, log })
  }
}
