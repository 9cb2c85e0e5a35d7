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
  StatusObject,
} from '@grpc/grpc-js'
import { grpcServerConvention } from '@tenon/core/telemetry'
import {
  type Arrival,
  type Logger,
  type OperationEndpoint,
  type Outcome,
  ServiceError,
  toServiceError,
} from '@tenon/core/transport'
import { type CountBytes, GrpcCall, type ServerCall } from './grpc-call.ts'
import { writeMetadata } from '../wire/grpc-metadata.ts'
import { toStatus } from '../wire/grpc-status.ts'
import type { OpenCalls } from './open-calls.ts'
import type { ProtoMethod } from '../service/proto-service.ts'
import { type ReadableCall, requestItems } from './request-items.ts'
import { writeItems } from './write-items.ts'

/** What all methods of a service share. */
export interface MethodSurroundings {
  /** Of the service: `shop.v1.UserService`. */
  readonly fullName: string
  readonly calls: OpenCalls
  /** The service's name, which error details name as their origin. */
  readonly domain: string
  readonly log: Logger
  /** Largest message that is sent. @defaultValue any */
  readonly maxResponseBytes?: number
}

export type MethodHandler =
  | handleUnaryCall<Buffer, Buffer>
  | handleClientStreamingCall<Buffer, Buffer>
  | handleServerStreamingCall<Buffer, Buffer>
  | handleBidiStreamingCall<Buffer, Buffer>

/** The grpc-js handler of a method, for as many messages each way as its operation has. */
export function mountMethod(
  endpoint: OperationEndpoint,
  { operation, name, request, response }: ProtoMethod,
  surroundings: MethodSurroundings,
): MethodHandler {
  const { decode } = request
  const encode = limitTo(surroundings.maxResponseBytes ?? Number.POSITIVE_INFINITY, response.encode)
  const answerOne = composeOne({ endpoint, encode, surroundings })
  const answerMany = composeMany({ endpoint, encode, surroundings })
  const convention = grpcServerConvention(`${surroundings.fullName}/${name}`)
  const one = {
    convention,
    read: (call: OneRequest, counted: CountBytes) => {
      counted(call.request)
      return decode(call.request)
    },
  }
  const many = {
    convention,
    read: (call: ServerCall & ReadableCall, counted: CountBytes) =>
      requestItems(call, (message) => {
        counted(message)
        return decode(message)
      }),
  }
  const withOne = (call: OneRequest) => new GrpcCall(call, one)
  const withMany = (call: ServerCall & ReadableCall) => new GrpcCall(call, many)
  return {
    unary: (call: UnaryCall, answer: sendUnaryData<Buffer>) => answerOne(call, withOne(call), answer),
    client_stream: (call: ReadableStream, answer: sendUnaryData<Buffer>) => answerOne(call, withMany(call), answer),
    server_stream: (call: WritableStream) => answerMany(call, withOne(call)),
    bidi_stream: (call: DuplexStream) => answerMany(call, withMany(call)),
  }[operation.kind]
}

type OneRequest = ServerCall & { readonly request: Buffer }
type UnaryCall = ServerUnaryCall<Buffer, Buffer>
type ReadableStream = ServerReadableStream<Buffer, Buffer>
type WritableStream = ServerWritableStream<Buffer, Buffer>
type DuplexStream = ServerDuplexStream<Buffer, Buffer>

interface MethodContext {
  readonly endpoint: OperationEndpoint
  readonly encode: (output: unknown) => Buffer
  readonly surroundings: MethodSurroundings
}

type AnswerOne = (call: UnaryCall | ReadableStream, arrival: AnyCall, answer: sendUnaryData<Buffer>) => void
type AnswerMany = (call: WritableStream | DuplexStream, arrival: AnyCall) => void
type AnyCall = Arrival & Pick<GrpcCall, 'end' | 'sent'>

function composeOne(context: MethodContext): AnswerOne {
  const { endpoint, encode, surroundings } = context
  const { calls } = surroundings
  const serve = async (...[call, arrival, answer]: Parameters<AnswerOne>) => {
    const outcome = await endpoint.dispatch(arrival)
    try {
      arrival.end()
      if (outcome.headers) call.sendMetadata(toHeaders(outcome.headers, context))
      if (outcome.ok) answer(null, arrival.sent(encode(outcome.value)), toTrailers(outcome, context))
      else answer(toFailure(outcome.error, outcome, context))
    } catch (thrown) {
      answer(toFailure(unwritable(thrown, context), outcome, context))
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
  const { calls } = surroundings
  const serve = async (...[call, arrival]: Parameters<AnswerMany>) => {
    const outcome = await endpoint.dispatch(arrival)
    try {
      const sendHeaders = () => call.sendMetadata(toHeaders(outcome.headers ?? {}, context))
      if (!outcome.ok) {
        // Without need none are sent, because callers do not retry once they have seen some.
        if (outcome.headers) sendHeaders()
        return void call.emit('error', toFailure(outcome.error, outcome, context))
      }
      // Sent before the first item, so that a caller sees the stream open, with what the handler sets at its beginning.
      const items = outcome.value as AsyncIterable<unknown>
      const written = (item: unknown) => arrival.sent(encode(item))
      await writeItems(call, items, { encode: written, calls, begun: sendHeaders })
      arrival.end()
      call.end(toTrailers(outcome, context))
    } catch (thrown) {
      arrival.end()
      call.emit('error', toFailure(unwritable(thrown, context), outcome, context))
    } finally {
      calls.leave()
    }
  }
  return (call, arrival) => {
    calls.enter(call)
    void serve(call, arrival)
  }
}

function limitTo(maxBytes: number, encode: MethodContext['encode']): MethodContext['encode'] {
  return (output) => {
    const message = encode(output)
    if (message.length <= maxBytes) return message
    const sizes = `${message.length} bytes, ${maxBytes} are the most`
    throw new ServiceError('resource_exhausted', `the answer is larger than this server sends: ${sizes}`)
  }
}

/** A step of a stream throws what the dispatcher made of it; anything else is an output that cannot be encoded. */
function unwritable(thrown: unknown, { endpoint, surroundings }: MethodContext): ServiceError {
  const error = toServiceError(thrown)
  const fields = { err: thrown, operation: endpoint.operation.id }
  if (error !== thrown) surroundings.log.error(fields, 'an output could not be written')
  return error
}

function toHeaders(headers: Readonly<Record<string, string>>, context: MethodContext): Metadata {
  const { metadata, refused } = writeMetadata(headers)
  warnOfRefused('headers', refused, context)
  return metadata
}

/** Undefined where the handler set none. */
function toTrailers({ trailers }: Outcome, context: MethodContext): Metadata | undefined {
  if (trailers === undefined) return undefined
  const { metadata, refused } = writeMetadata(trailers)
  warnOfRefused('trailers', refused, context)
  return metadata
}

function toFailure(error: ServiceError, { callId, trailers }: Outcome, context: MethodContext): StatusObject {
  const { domain } = context.surroundings
  const onRefused = (what: 'details' | 'trailers', names: readonly string[]) => warnOfRefused(what, names, context)
  return toStatus(error, { domain, callId, trailers, onRefused })
}

/** What HTTP can carry and gRPC cannot is no reason to fail the call on one of the transports. */
function warnOfRefused(
  what: 'headers' | 'trailers' | 'details',
  names: readonly string[],
  context: MethodContext,
): void {
  const { endpoint, surroundings } = context
  const fields = { operation: endpoint.operation.id, [what]: names }
  if (names.length > 0) surroundings.log.warn(fields, `${what} were left out that gRPC cannot carry`)
}
