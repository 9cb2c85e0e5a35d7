import type { Metadata, sendUnaryData, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js'
import { type Logger, type OperationEndpoint, ServiceError, type Success, toServiceError } from '@tenon/core/transport'
import { GrpcCall } from './grpc-call.ts'
import { writeMetadata } from './grpc-metadata.ts'
import { toStatus } from './grpc-status.ts'
import { compileCodec } from './message-codec.ts'
import type { OpenCalls } from './open-calls.ts'
import type { MethodShape } from './proto/message-shape.ts'

/** What all methods of a server share. */
export interface MethodSurroundings {
  readonly calls: OpenCalls
  /** The service's name, which error details name as their origin. */
  readonly domain: string
  readonly log: Logger
}

type UnaryHandler = (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => void
type StreamHandler = (call: ServerWritableStream<Buffer, Buffer>) => void

/** The grpc-js handler of a method that answers once. */
export function mountUnary(
  endpoint: OperationEndpoint,
  shape: MethodShape,
  surroundings: MethodSurroundings,
): UnaryHandler {
  const { calls, domain } = surroundings
  const request = compileCodec(shape.request)
  const response = compileCodec(shape.response)
  const serve = async (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
    try {
      const arrival = new GrpcCall(call, call.request, request)
      const outcome = await endpoint.dispatch(arrival)
      arrival.end()
      if (outcome.headers) call.sendMetadata(toHeaders(outcome.headers, { endpoint, surroundings }))
      if (outcome.ok) answer(null, response.encode(outcome.value))
      else answer(toStatus(outcome.error, domain))
    } catch (thrown) {
      answer(toStatus(unwritable(thrown, { endpoint, surroundings }), domain))
    } finally {
      calls.leave()
    }
  }
  return (call, answer) => {
    calls.enter()
    void serve(call, answer)
  }
}

/** The grpc-js handler of a method that answers with a stream. Writes no faster than the caller reads. */
export function mountStream(
  endpoint: OperationEndpoint,
  shape: MethodShape,
  surroundings: MethodSurroundings,
): StreamHandler {
  const { calls, domain } = surroundings
  const request = compileCodec(shape.request)
  const response = compileCodec(shape.response)
  const serve = async (call: ServerWritableStream<Buffer, Buffer>) => {
    try {
      const arrival = new GrpcCall(call, call.request, request)
      const outcome = await endpoint.dispatch(arrival)
      const { headers } = outcome
      // Sent before the first item, so that a caller sees the stream open; but a refused call has no headers, because
      // callers do not retry once they have seen some.
      if (outcome.ok || headers) call.sendMetadata(toHeaders(headers ?? {}, { endpoint, surroundings }))
      if (!outcome.ok) return void call.emit('error', toStatus(outcome.error, domain))
      await writeItems(call, outcome, { encode: response.encode, calls })
      arrival.end()
      call.end()
    } catch (thrown) {
      call.emit('error', toStatus(unwritable(thrown, { endpoint, surroundings }), domain))
    } finally {
      calls.leave()
    }
  }
  return (call) => {
    calls.enter()
    void serve(call)
  }
}

interface Writing {
  readonly encode: (item: unknown) => Buffer
  readonly calls: OpenCalls
}

async function writeItems(
  call: ServerWritableStream<Buffer, Buffer>,
  { value }: Success,
  { encode, calls }: Writing,
): Promise<void> {
  const iterator = (value as AsyncIterable<unknown>)[Symbol.asyncIterator]()
  // A caller that leaves ends the handler's loop even while it waits.
  const release = () => void Promise.resolve(iterator.return?.()).catch(() => undefined)
  call.once('cancelled', release)
  try {
    while (!call.cancelled) {
      const step = await iterator.next()
      if (step.done === true) return
      if (!call.cancelled && !call.write(encode(step.value))) await writable(call, calls)
    }
    release()
  } catch (thrown) {
    release()
    throw thrown
  } finally {
    call.off('cancelled', release)
  }
}

/**
 * Resolves when the caller has read on, or is gone.
 *
 * @throws ServiceError `unavailable` when the server waits no longer.
 */
async function writable(call: ServerWritableStream<Buffer, Buffer>, calls: OpenCalls): Promise<void> {
  if (call.cancelled) return
  if (!calls.isCut) {
    const { promise, resolve } = Promise.withResolvers<void>()
    call.once('drain', resolve).once('cancelled', resolve)
    calls.onCut(resolve)
    await promise
    call.off('drain', resolve).off('cancelled', resolve)
    calls.offCut(resolve)
  }
  if (calls.isCut) throw new ServiceError('unavailable', 'the service is shutting down')
}

interface MethodContext {
  readonly endpoint: OperationEndpoint
  readonly surroundings: MethodSurroundings
}

/** A step of a stream throws what the dispatcher made of it; anything else is an output that cannot be encoded. */
function unwritable(thrown: unknown, { endpoint, surroundings }: MethodContext): ServiceError {
  const error = toServiceError(thrown)
  const fields = { err: thrown, operation: endpoint.operation.id }
  if (error !== thrown) surroundings.log.error(fields, 'an output could not be written')
  return error
}

/** A header that HTTP can carry and gRPC cannot is no reason to fail the call on one of the transports. */
function toHeaders(headers: Readonly<Record<string, string>>, { endpoint, surroundings }: MethodContext): Metadata {
  const { metadata, refused } = writeMetadata(headers)
  const fields = { operation: endpoint.operation.id, headers: refused }
  if (refused.length > 0) surroundings.log.warn(fields, 'headers were left out that gRPC cannot carry')
  return metadata
}
