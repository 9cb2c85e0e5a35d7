import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  Metadata,
  sendUnaryData,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js'
import { type Logger, type OperationEndpoint, type ServiceError, toServiceError } from '@tenon/core/transport'
import { GrpcCall, type ServerCall } from './grpc-call.ts'
import { writeMetadata } from '../wire/grpc-metadata.ts'
import { toStatus } from '../wire/grpc-status.ts'
import type { OpenCalls } from './open-calls.ts'
import type { ProtoMethod } from '../service/proto-service.ts'
import { type ReadableCall, requestItems } from './request-items.ts'
import { writeItems } from './write-items.ts'

/** What all methods of a server share. */
export interface MethodSurroundings {
  readonly calls: OpenCalls
  /** The service's name, which error details name as their origin. */
  readonly domain: string
  readonly log: Logger
}

export type MethodHandler =
  | handleUnaryCall<Buffer, Buffer>
  | handleClientStreamingCall<Buffer, Buffer>
  | handleServerStreamingCall<Buffer, Buffer>
  | handleBidiStreamingCall<Buffer, Buffer>

/** The grpc-js handler of a method, for as many messages each way as its operation has. */
export function mountMethod(
  endpoint: OperationEndpoint,
  { operation, request, response }: ProtoMethod,
  surroundings: MethodSurroundings,
): MethodHandler {
  const { decode } = request
  const { encode } = response
  const answerOne = composeOne({ endpoint, encode, surroundings })
  const answerMany = composeMany({ endpoint, encode, surroundings })
  const withOne = (call: ServerCall & { readonly request: Buffer }) => new GrpcCall(call, () => decode(call.request))
  const withMany = (call: ServerCall & ReadableCall) => new GrpcCall(call, () => requestItems(call, decode))
  return {
    unary: (call: UnaryCall, answer: sendUnaryData<Buffer>) => answerOne(call, withOne(call), answer),
    client_stream: (call: ReadableStream, answer: sendUnaryData<Buffer>) => answerOne(call, withMany(call), answer),
    server_stream: (call: WritableStream) => answerMany(call, withOne(call)),
    bidi_stream: (call: DuplexStream) => answerMany(call, withMany(call)),
  }[operation.kind]
}

type UnaryCall = ServerUnaryCall<Buffer, Buffer>
type ReadableStream = ServerReadableStream<Buffer, Buffer>
type WritableStream = ServerWritableStream<Buffer, Buffer>
type DuplexStream = ServerDuplexStream<Buffer, Buffer>

interface MethodContext {
  readonly endpoint: OperationEndpoint
  readonly encode: (output: unknown) => Buffer
  readonly surroundings: MethodSurroundings
}

type AnswerOne = (call: UnaryCall | ReadableStream, arrival: GrpcCall, answer: sendUnaryData<Buffer>) => void
type AnswerMany = (call: WritableStream | DuplexStream, arrival: GrpcCall) => void

function composeOne(context: MethodContext): AnswerOne {
  const { endpoint, encode, surroundings } = context
  const { calls, domain } = surroundings
  const serve = async (...[call, arrival, answer]: Parameters<AnswerOne>) => {
    try {
      const outcome = await endpoint.dispatch(arrival)
      arrival.end()
      if (outcome.headers) call.sendMetadata(toHeaders(outcome.headers, context))
      if (outcome.ok) answer(null, encode(outcome.value))
      else answer(toStatus(outcome.error, domain))
    } catch (thrown) {
      answer(toStatus(unwritable(thrown, context), domain))
    } finally {
      calls.leave()
    }
  }
  return (call, arrival, answer) => {
    calls.enter(call)
    void serve(call, arrival, answer)
  }
}

function composeMany(context: MethodContext): AnswerMany {
  const { endpoint, encode, surroundings } = context
  const { calls, domain } = surroundings
  const serve = async (...[call, arrival]: Parameters<AnswerMany>) => {
    try {
      const outcome = await endpoint.dispatch(arrival)
      const sendHeaders = () => call.sendMetadata(toHeaders(outcome.headers ?? {}, context))
      if (!outcome.ok) {
        // Without need none are sent, because callers do not retry once they have seen some.
        if (outcome.headers) sendHeaders()
        return void call.emit('error', toStatus(outcome.error, domain))
      }
      // Sent before the first item, so that a caller sees the stream open, with what the handler sets at its beginning.
      const items = outcome.value as AsyncIterable<unknown>
      await writeItems(call, items, { encode, calls, begun: sendHeaders })
      arrival.end()
      call.end()
    } catch (thrown) {
      arrival.end()
      call.emit('error', toStatus(unwritable(thrown, context), domain))
    } finally {
      calls.leave()
    }
  }
  return (call, arrival) => {
    calls.enter(call)
    void serve(call, arrival)
  }
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
