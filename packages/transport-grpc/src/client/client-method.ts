import { ServiceError } from '@tenon/core/transport'
import type { MessageCodec } from '../codec/message-codec.ts'
import type { ProtoMethod } from '../service/proto-service.ts'
import { methodPath } from '../wire/service-definition.ts'
import type { GrpcClientSettings } from './grpc-client-options.ts'

/** One operation as it stands in gRPC. */
export interface ClientMethod {
  readonly path: string
  /** @throws ServiceError `invalid_argument` for a value that protobuf cannot hold, `resource_exhausted` for one that is too large. */
  encode(input: unknown): Buffer
  /** @throws ServiceError `internal` */
  decode(bytes: Buffer): unknown
}

/** Decides how the calls of an operation are written and read. */
export function toClientMethod(
  service: string,
  { name, request, response }: ProtoMethod,
  { maxRequestBytes }: GrpcClientSettings,
): ClientMethod {
  return {
    path: methodPath(service, name),
    encode: (input) => requireSendable(encode(request, input), maxRequestBytes),
    decode: (bytes) => decode(response, bytes),
  }
}

/** A value that the contract lets through and protobuf does not is the caller's fault. */
function encode(request: MessageCodec, input: unknown): Buffer {
  try {
    return request.encode(input)
  } catch (cause) {
    throw new ServiceError('invalid_argument', 'the input cannot be encoded', { cause })
  }
}

/** The option is named where it is logged; callers of ours need not know it. */
function requireSendable(bytes: Buffer, limitBytes: number): Buffer {
  if (bytes.length <= limitBytes) return bytes
  const cause = new RangeError(`grpcClient: ${bytes.length} bytes are more than the ${limitBytes} of maxRequestBytes`)
  throw new ServiceError('resource_exhausted', 'a message is too large to be sent', {
    reason: 'request_too_large',
    cause,
  })
}

/** An answer that cannot be decoded is the remote's fault, not the input's. */
function decode(response: MessageCodec, bytes: Buffer): unknown {
  try {
    return response.decode(bytes)
  } catch (cause) {
    throw new ServiceError('internal', "the remote's answer cannot be decoded", { cause })
  }
}
