import { Metadata, type sendUnaryData, type ServerUnaryCall, type ServerWritableStream } from '@grpc/grpc-js'
import {
  type Logger,
  type OperationEndpoint,
  type ServiceError,
  type Success,
  toServiceError,
} from '@tenon/core/transport'
import { GrpcCall } from './grpc-call.ts'
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
  { calls, domain, log }: MethodSurroundings,
): UnaryHandler {
  const request = compileCodec(shape.request)
  const response = compileCodec(shape.response)
  const serve = async (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
    const outcome = await endpoint.dispatch(new GrpcCall(call, call.request, request))
    try {
      if (outcome.headers) call.sendMetadata(toMetadata(outcome.headers))
      if (outcome.ok) answer(null, response.encode(outcome.value))
      else answer(toStatus(outcome.error, domain))
    } catch (thrown) {
      answer(toStatus(unwritable(thrown, { endpoint, log }), domain))
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
  { calls, domain, log }: MethodSurroundings,
): StreamHandler {
  const request = compileCodec(shape.request)
  const response = compileCodec(shape.response)
  const serve = async (call: ServerWritableStream<Buffer, Buffer>) => {
    const outcome = await endpoint.dispatch(new GrpcCall(call, call.request, request))
    try {
      // Sent at once, so that a caller sees the stream open before its first item.
      call.sendMetadata(toMetadata(outcome.headers ?? {}))
      if (!outcome.ok) throw outcome.error
      await writeItems(call, outcome, response.encode)
      call.end()
    } catch (thrown) {
      const error = outcome.ok ? unwritable(thrown, { endpoint, log }) : outcome.error
      call.emit('error', toStatus(error, domain))
    } finally {
      calls.leave()
    }
  }
  return (call) => {
    calls.enter()
    void serve(call)
  }
}

async function writeItems(
  call: ServerWritableStream<Buffer, Buffer>,
  { value }: Success,
  encode: (item: unknown) => Buffer,
): Promise<void> {
  const iterator = (value as AsyncIterable<unknown>)[Symbol.asyncIterator]()
  // A caller that leaves ends the handler's loop even while it waits.
  const release = () => void Promise.resolve(iterator.return?.()).catch(() => undefined)
  call.once('cancelled', release)
  try {
    for (;;) {
      const step = await iterator.next()
      if (step.done === true || call.cancelled) return
      if (!call.write(encode(step.value))) await writable(call)
    }
  } catch (thrown) {
    release()
    throw thrown
  } finally {
    call.off('cancelled', release)
    if (call.cancelled) release()
  }
}

/** Resolves when the caller has read on, or is gone. */
function writable(call: ServerWritableStream<Buffer, Buffer>): Promise<void> {
  if (call.cancelled) return Promise.resolve()
  return new Promise((resolve) => {
    const settle = () => {
      call.off('drain', settle).off('cancelled', settle)
      resolve()
    }
    call.on('drain', settle).on('cancelled', settle)
  })
}

/** A step of a stream throws what the dispatcher made of it; anything else is an output that cannot be encoded. */
function unwritable(
  thrown: unknown,
  { endpoint, log }: { readonly endpoint: OperationEndpoint; readonly log: Logger },
): ServiceError {
  const error = toServiceError(thrown)
  if (error !== thrown) log.error({ err: thrown, operation: endpoint.operation.id }, 'an output could not be written')
  return error
}

function toMetadata(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) if (!isReserved(name)) metadata.set(name, value)
  return metadata
}

/** Names that belong to the protocol, or promise binary values. @see gRPC over HTTP/2, custom metadata */
function isReserved(name: string): boolean {
  return (
    name.startsWith('grpc-') ||
    name.endsWith('-bin') ||
    ['content-type', 'content-length', 'connection', 'te'].includes(name)
  )
}
