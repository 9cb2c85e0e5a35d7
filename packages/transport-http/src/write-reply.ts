import { type Failure, type Logger, type Success, toServiceError } from '@tenon/core/transport'
import type { FastifyReply } from 'fastify'
import { problemType, retryAfterSeconds, toProblem } from './problem.ts'
import { rawPath } from './route-table.ts'

type ReplyHeaders = Success['headers']

/** Writes the output of a unary call. */
export function writeValue(reply: FastifyReply, { value, headers }: Success, status: number): void {
  setHeaders(reply, headers)
  if (value === undefined) {
    reply.code(status === 200 ? 204 : status).send()
    return
  }
  if (!reply.hasHeader('content-type')) reply.header('content-type', 'application/json; charset=utf-8')
  reply.code(status).send(JSON.stringify(value))
}

/** Writes a failed call, or a request that led to none, as a problem document. */
export function writeFailure(
  reply: FastifyReply,
  { error, callId, headers }: Partial<Failure> & Pick<Failure, 'error'>,
): void {
  setHeaders(reply, headers)
  const problem = toProblem(error, { instance: rawPath(reply.request.url), callId })
  const retryAfter = retryAfterSeconds(error)
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
  // RFC 9110 section 15.5.2: a 401 must name a scheme.
  if (problem.status === 401 && !reply.hasHeader('www-authenticate')) reply.header('www-authenticate', 'Bearer')
  reply.code(problem.status).header('content-type', problemType).send(JSON.stringify(problem))
}

/** Answers a call whose outcome could not be written: the handler's output or header is at fault. */
export function writeUnwritable(reply: FastifyReply, thrown: unknown, log: Logger): void {
  log.error({ err: thrown, url: rawPath(reply.request.url) }, 'the reply could not be written')
  if (reply.raw.headersSent) {
    reply.raw.destroy()
    return
  }
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name)
  writeFailure(reply, { error: toServiceError(thrown) })
}

/** These describe the connection or the bytes on it, which are not the handler's to say. */
const framing = new Set(['connection', 'content-length', 'keep-alive', 'trailer', 'transfer-encoding', 'upgrade'])

/** The headers a handler set that may be sent. */
export function setHeaders(reply: FastifyReply, headers: ReplyHeaders): void {
  if (headers === undefined) return
  for (const [name, value] of Object.entries(headers)) if (!framing.has(name)) reply.header(name, value)
}
