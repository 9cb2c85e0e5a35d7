import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { ServiceError } from '@tenon/core/transport'
import { requestFault } from '../http-status.ts'
import { cutAfterLinger } from '../reply/linger.ts'
import { problemType, problemTypeFor, toProblem } from '../reply/problem.ts'
import { sentId } from '../reply/sent-id.ts'
import { rawPath } from '../route/route-table.ts'

/**
 * What is wrong with the head of a request, whatever it asks for; undefined where nothing is.
 *
 * @see RFC 9112 sections 3.2 (host and target) and 6.1 (transfer codings), RFC 9110 section 10.1.1 (`Expect`)
 */
export function headFault(request: IncomingMessage): ServiceError | undefined {
  const { headers, httpVersion, url = '' } = request
  if (url.includes('#')) return requestFault('malformed_request', 'the request target must not have a fragment')
  if (httpVersion === '1.1' && hostCount(request) !== 1) {
    return requestFault('malformed_request', `the request must have one host header, found ${hostCount(request)}`)
  }
  const { expect, 'transfer-encoding': coding } = headers
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    return new ServiceError('unimplemented', `the transfer coding ${coding} is not supported, only chunked is`)
  }
  if (expect === undefined || httpVersion === '1.0' || /^100-continue$/i.test(expect)) return undefined
  return requestFault('expectation_failed', `nothing but 100-continue can be expected, found ${expect}`)
}

/** What is told of CONNECT, in whatever version. */
export function tunnelFault(): ServiceError {
  return new ServiceError('unimplemented', 'the server is no proxy: CONNECT is not supported')
}

/**
 * Whether the header list of an HTTP/2 request is larger than the limit. Node counts it itself, but only once the caller has
 * acknowledged the settings, which is after its first requests.
 *
 * @see RFC 9113 section 6.5.2: a field counts its name, its value and 32 bytes
 */
export function isListOver({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>, limitBytes: number): boolean {
  let sizeBytes = rawHeaders.length * 16
  for (const text of rawHeaders) sizeBytes += text.length
  return sizeBytes > limitBytes
}

/** Answers a request that nobody else gets to see. */
export function refuseRequest(request: IncomingMessage, reply: ServerResponse, error: ServiceError): void {
  const { headers, url = '', method, httpVersionMajor } = request
  const callId = sentId(headers)
  const problem = toProblem(error, { instance: rawPath(url), callId })
  const body = JSON.stringify(problem)
  reply.statusCode = problem.status
  reply.setHeader('content-type', problemTypeFor(headers.accept))
  reply.setHeader('content-length', Buffer.byteLength(body))
  if (callId !== undefined) reply.setHeader('x-request-id', callId)
  // Where one request ends may be unknown, so what follows is none.
  if (httpVersionMajor === 1) reply.setHeader('connection', 'close')
  reply.end(method === 'HEAD' ? undefined : body)
}

/** Answers on a connection that carries no reply of Node's, and closes it. */
export function refuseOn(socket: Socket, error: ServiceError): void {
  const problem = toProblem(error, {})
  const body = JSON.stringify(problem)
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    `content-type: ${problemType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  cutAfterLinger(socket)
}

function hostCount({ rawHeaders }: IncomingMessage): number {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count
}
