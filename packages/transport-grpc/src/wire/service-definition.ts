import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js'
import type { OperationKind } from '@tenon/core/contract'
import { type Directions, directionsOf } from '../proto/direction.ts'

/** A method whose messages are bytes: only the dispatcher decides when they are decoded. */
export type BytesMethod = MethodDefinition<Buffer, Buffer>

/** A service as far as its paths and directions go. */
export interface ServiceMethods {
  readonly fullName: string
  readonly methods: readonly { readonly name: string; readonly operation: { readonly kind: OperationKind } }[]
}

/** How grpc-js is told of a service. */
export function toServiceDefinition({ fullName, methods }: ServiceMethods): ServiceDefinition {
  return Object.fromEntries(methods.map((method) => [method.name, toMethod(fullName, method)]))
}

/** A method of bytes in both directions. */
export function bytesMethod(path: string, directions: Directions): BytesMethod {
  return {
    path,
    ...directions,
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

function toMethod(service: string, { name, operation: { kind } }: ServiceMethods['methods'][number]): BytesMethod {
  return bytesMethod(methodPath(service, name), directionsOf[kind])
}

function same(bytes: Buffer): Buffer {
  return bytes
}
