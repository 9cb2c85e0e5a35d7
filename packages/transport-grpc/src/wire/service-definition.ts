import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js'
import type { OperationKind } from '@tenon/core/contract'
import type { MethodShape, ServiceShape } from '../proto/message-shape.ts'

/** A method whose messages are bytes: only the dispatcher decides when they are decoded. */
export type BytesMethod = MethodDefinition<Buffer, Buffer>

/** Which way any number of messages goes. */
export const directionsOf = {
  unary: { requestStream: false, responseStream: false },
  client_stream: { requestStream: true, responseStream: false },
  server_stream: { requestStream: false, responseStream: true },
  bidi_stream: { requestStream: true, responseStream: true },
} as const satisfies Record<OperationKind, Pick<BytesMethod, 'requestStream' | 'responseStream'>>

/** How grpc-js is told of a service. */
export function toServiceDefinition({ fullName, methods }: ServiceShape): ServiceDefinition {
  return Object.fromEntries(methods.map((method) => [method.name, toMethod(fullName, method)]))
}

/** A method of bytes in both directions. */
export function bytesMethod(path: string, kind: Pick<BytesMethod, 'requestStream' | 'responseStream'>): BytesMethod {
  return {
    path,
    ...kind,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  }
}

/** @see gRPC over HTTP/2: the path is `/` service name `/` method name */
export function methodPath(service: string, name: string): string {
  return `/${service}/${name}`
}

function toMethod(service: string, { name, operation: { kind } }: MethodShape): BytesMethod {
  return bytesMethod(methodPath(service, name), directionsOf[kind])
}

function same(bytes: Buffer): Buffer {
  return bytes
}
