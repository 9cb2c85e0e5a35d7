import {
  Client,
  type ClientOptions,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError as GrpcError,
} from '@grpc/grpc-js'
import type { ClientChannel, ClientTarget, ClientTransport, OutgoingCall } from '@tenon/core/client'
import type { Operation } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import { fromStatus } from '../grpc-status.ts'
import { compileCodec, type MessageCodec } from '../message-codec.ts'
import { toServiceShape } from '../proto/message-shape.ts'
import { methodPath } from '../service-definition.ts'

/** Calls other services over gRPC, by their contracts: `remote(orders, { via: grpcClient(), at: 'static:///order:50051' })`. */
export function grpcClient(): ClientTransport {
  return Object.freeze({ name: 'grpc', open: (target) => new GrpcChannel(target) } satisfies ClientTransport)
}

/** A callee that was restarted is found again within a second. @see gRPC connection back-off protocol, whose own first wait is 1 s and longest 120 s */
const channelOptions: ClientOptions = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
}

interface Method {
  readonly path: string
  readonly request: MessageCodec
  readonly response: MessageCodec
}

class GrpcChannel implements ClientChannel {
  readonly #client: Client
  readonly #methods: ReadonlyMap<string, Method>

  constructor({ contract, address }: ClientTarget) {
    const { fullName, methods } = toServiceShape(contract)
    this.#client = new Client(address, credentials.createInsecure(), channelOptions)
    this.#methods = new Map(
      methods.map(({ operation, name, request, response }) => [
        operation.id,
        { path: methodPath(fullName, name), request: compileCodec(request), response: compileCodec(response) },
      ]),
    )
  }

  async unary(operation: Operation, input: unknown, outgoing: OutgoingCall): Promise<unknown> {
    const { path, request, response } = this.#method(operation)
    requireRunning(outgoing)
    const bytes = await new Promise<Buffer>((resolve, reject) => {
      const answered = (error: GrpcError | null, answer?: Buffer) => {
        outgoing.signal?.removeEventListener('abort', cancel)
        if (error) reject(fromStatus(error))
        else resolve(answer ?? Buffer.alloc(0))
      }
      const call = this.#client.makeUnaryRequest(
        path,
        same,
        same,
        request.encode(input),
        toMetadata(outgoing),
        toOptions(outgoing),
        answered,
      )
      const cancel = () => call.cancel()
      outgoing.signal?.addEventListener('abort', cancel, { once: true })
    })
    return decode(response, bytes)
  }

  async *serverStream(operation: Operation, input: unknown, outgoing: OutgoingCall): AsyncGenerator<unknown> {
    const { path, request, response } = this.#method(operation)
    requireRunning(outgoing)
    const call = this.#client.makeServerStreamRequest(
      path,
      same,
      same,
      request.encode(input),
      toMetadata(outgoing),
      toOptions(outgoing),
    )
    const cancel = () => call.cancel()
    outgoing.signal?.addEventListener('abort', cancel, { once: true })
    try {
      yield* readItems(call, response)
    } finally {
      outgoing.signal?.removeEventListener('abort', cancel)
      // grpc-js reports its own cancellation as an error, which nobody waits for any more.
      call.on('error', () => undefined).cancel()
    }
  }

  async close(): Promise<void> {
    this.#client.close()
  }

  #method({ id }: Operation): Method {
    const method = this.#methods.get(id)
    if (method === undefined) throw new ServiceError('unimplemented', `${id} is not offered over gRPC`)
    return method
  }
}

async function* readItems(call: ClientReadableStream<Buffer>, response: MessageCodec): AsyncGenerator<unknown> {
  try {
    for await (const bytes of call) yield decode(response, bytes as Buffer)
  } catch (error) {
    throw isStatus(error) ? fromStatus(error) : error
  }
}

/** An answer that cannot be decoded is the remote's fault, not the input's. */
function decode(response: MessageCodec, bytes: Buffer): unknown {
  try {
    return response.decode(bytes)
  } catch (cause) {
    throw new ServiceError('internal', "the remote's answer cannot be decoded", { cause })
  }
}

function isStatus(error: unknown): error is GrpcError {
  return error instanceof Error && 'code' in error && 'details' in error && !ServiceError.is(error)
}

function requireRunning({ signal }: OutgoingCall): void {
  if (signal?.aborted)
    throw new ServiceError('cancelled', 'the call was cancelled before it was sent', { cause: signal.reason })
}

function toMetadata({ metadata }: OutgoingCall): Metadata {
  const sent = new Metadata()
  for (const [key, value] of Object.entries(metadata)) sent.set(key, value)
  return sent
}

function toOptions({ timeoutMs }: OutgoingCall): { deadline?: number } {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }
}

function same(bytes: Buffer): Buffer {
  return bytes
}
