import { type HttpOperation, type Operation, rawOutputOf } from '@tenon/core/contract'
import {
  compileJsonWriter,
  type Failure,
  type Logger,
  type ServiceError,
  type Success,
  toServiceError,
} from '@tenon/core/transport'
import type { FastifyReply } from 'fastify'
import { rawPath } from '../route/route-table.ts'
import { problemHeaders, problemTypeFor, toProblem } from './problem.ts'
import { compileFields } from './reply-fields.ts'
import { setTrailers } from './reply-trailers.ts'
import { hasContent } from './reply-type.ts'
import { sentId } from './sent-id.ts'

type ReplyHeaders = Success['headers']

/** Decides at boot how the output of an operation that answers once is written. */
export function compileValueWriter(
  operation: Operation,
  http: HttpOperation,
): (reply: FastifyReply, success: Success) => void {
  const addFields = compileFields(http)
  const writeBody = hasContent(http.status) ? bodyWriter(operation, http.status) : headWriter(http.status)
  if (addFields === undefined)
    return (reply, { value, headers, trailers }) => {
      setHeaders(reply, headers)
      if (trailers) setTrailers(reply, trailers)
      writeBody(reply, value)
    }
  return (reply, { value, headers, trailers }) => {
    setHeaders(reply, headers)
    if (trailers) setTrailers(reply, trailers)
    if (addFields(reply, value)) reply.code(304).send()
    else writeBody(reply, value)
  }
}

/** Writes a failed call, or a request that led to none, as a problem document. */
export function writeFailure(
  reply: FastifyReply,
  { error, callId: ownId, headers, trailers }: Partial<Failure> & Pick<Failure, 'error'>,
): void {
  setHeaders(reply, headers)
  if (trailers) setTrailers(reply, trailers)
  const { request } = reply
  const callId = ownId ?? sentId(request.headers)
  const problem = toProblem(error, { instance: rawPath(request.url), callId })
  reply.headers(problemHeaders(error, request.method))
  if (callId !== undefined) reply.header('x-request-id', callId)
  if (problem.status === 401 && !reply.hasHeader('www-authenticate'))
    reply.header('www-authenticate', challengeFor(error))
  const type = problemTypeFor(request.headers.accept)
  reply.code(problem.status).header('content-type', type).send(JSON.stringify(problem))
}

/**
 * A 401 must name a scheme, and says of a token that was shown what is wrong with it.
 *
 * @see RFC 9110 section 15.5.2; RFC 6750 section 3.1
 */
function challengeFor({ reason }: ServiceError): string {
  return reason === 'invalid_token' ? 'Bearer error="invalid_token"' : 'Bearer'
}

export interface Unwritable {
  /** Why it could not be written. */
  readonly thrown: unknown
  readonly callId: string
  readonly log: Logger
}

/** Answers a call whose outcome could not be written: the handler's output or header is at fault. */
export function writeUnwritable(reply: FastifyReply, { thrown, callId, log }: Unwritable): void {
  log.error({ err: thrown, callId, url: rawPath(reply.request.url) }, 'the reply could not be written')
  if (reply.raw.headersSent) {
    reply.raw.destroy()
    return
  }
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name)
  writeFailure(reply, { error: toServiceError(thrown), callId })
}

type WriteBody = (reply: FastifyReply, value: unknown) => void

function bodyWriter(operation: Operation, status: number): WriteBody {
  const { contentType, toBody } = bodyForm(operation)
  return (reply, value) => {
    if (value === undefined) {
      reply.code(status === 200 ? 204 : status).send()
      return
    }
    const body = toBody(value)
    if (!reply.hasHeader('content-type')) reply.header('content-type', contentType)
    reply.code(status).send(body)
  }
}

function headWriter(status: number): WriteBody {
  return (reply) => void reply.code(status).send()
}

interface BodyForm {
  readonly contentType: string
  toBody(value: unknown): string | Buffer
}

/** JSON, or the bytes themselves where they are the whole output and have a media type. */
function bodyForm(operation: Operation): BodyForm {
  const mediaType = rawOutputOf(operation)
  if (mediaType !== undefined) return { contentType: mediaType, toBody: toBuffer }
  return { contentType: 'application/json; charset=utf-8', toBody: compileJsonWriter(operation.outputJsonSchema) }
}

function toBuffer(value: unknown): Buffer {
  if (!(value instanceof Uint8Array)) throw new TypeError('expected bytes')
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

/** These describe the connection or the bytes on it, which are not the handler's to say. */
const framing = new Set(['connection', 'content-length', 'keep-alive', 'trailer', 'transfer-encoding', 'upgrade'])

/** The headers a handler set that may be sent. */
export function setHeaders(reply: FastifyReply, headers: ReplyHeaders): void {
  if (headers === undefined) return
  for (const [name, value] of Object.entries(headers)) if (!framing.has(name)) reply.header(name, value)
}
