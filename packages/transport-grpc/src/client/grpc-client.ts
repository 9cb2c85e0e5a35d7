import {
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  credentials,
  type Metadata,
  type ServiceError as GrpcError,
} from '@grpc/grpc-js'
import type { ClientChannel, ClientTarget, ClientTransport, OutgoingCall } from '@tenon/core/client'
import type { Operation } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import { writeMetadata } from '../wire/grpc-metadata.ts'
import { fromStatus } from '../wire/grpc-status.ts'
import { proveInputEnd } from '../wire/input-end.ts'
import type { MessageCodec } from '../codec/message-codec.ts'
import { toProtoService } from '../service/proto-service.ts'
import { methodPath } from '../wire/service-definition.ts'
import { ReceivedItems } from './received-items.ts'
import { SentItems } from './sent-items.ts'

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
  // Where and how to call is settled before; a DNS record must not change it.
  'grpc.service_config_disable_resolution': 1,
  // Nothing reads channelz, and its counters are kept up in every call.
  'grpc.enable_channelz': 0,
}

/**
 * Nothing that was sent is kept for another attempt: of each call grpc-js would take a megabyte that the callee does not ask for,
 * and go on writing it when the callee has ended the call.
 */
const sendingOptions: ClientOptions = { ...channelOptions, 'grpc.per_rpc_retry_buffer_size': 0 }

/** How long running calls without a deadline may take to end once the channel closes. A guess. */
const closeMs = 1_000

interface Method {
  readonly path: string
  readonly request: MessageCodec
  readonly response: MessageCodec
}

/** A call that is under way, as far as closing cares. */
interface RunningCall {
  readonly hasDeadline: boolean
  cancel(): void
}

class GrpcChannel implements ClientChannel {
  readonly #address: string
  readonly #client: Client
  /** For calls that send streams; most channels never need one. */
  #sendingClient: Client | undefined
  readonly #methods: ReadonlyMap<string, Method>
  readonly #running = new Set<RunningCall>()
  #idle: (() => void) | undefined
  #closed: Promise<void> | undefined

  constructor({ contract, address }: ClientTarget) {
    const { fullName, methods } = toProtoService(contract)
    this.#address = address
    this.#client = new Client(address, credentials.createInsecure(), channelOptions)
    this.#methods = new Map(
      methods.map(({ operation, name, request, response }) => [
        operation.id,
        { path: methodPath(fullName, name), request, response },
      ]),
    )
  }

  async unary(operation: Operation, input: unknown, outgoing: OutgoingCall): Promise<unknown> {
    const { path, request, response } = this.#prepare(operation, outgoing)
    const argument = encode(request, input)
    const metadata = toMetadata(outgoing)
    const bytes = await new Promise<Buffer>((resolve, reject) => {
      const answered = (error: GrpcError | null, answer?: Buffer) => {
        this.#leave(running)
        outgoing.signal?.removeEventListener('abort', running.cancel)
        if (error) reject(fromStatus(error))
        else resolve(answer ?? Buffer.alloc(0))
      }
      const call = this.#client.makeUnaryRequest(path, same, same, argument, metadata, toOptions(outgoing), answered)
      const running = this.#enter(call, outgoing)
    })
    return decode(response, bytes)
  }

  async *serverStream(operation: Operation, input: unknown, outgoing: OutgoingCall): AsyncGenerator<unknown> {
    const { path, request, response } = this.#prepare(operation, outgoing)
    const argument = encode(request, input)
    const metadata = toMetadata(outgoing)
    const call = this.#client.makeServerStreamRequest(path, same, same, argument, metadata, toOptions(outgoing))
    yield* this.#receive(call, outgoing, readItems(call, response))
  }

  async clientStream(operation: Operation, inputs: AsyncIterable<unknown>, outgoing: OutgoingCall): Promise<unknown> {
    const { path, request, response } = this.#prepare(operation, outgoing)
    const metadata = toStreamMetadata(outgoing)
    const bytes = await new Promise<Buffer>((resolve, reject) => {
      const answered = (error: GrpcError | null, answer?: Buffer) => {
        this.#leave(running)
        outgoing.signal?.removeEventListener('abort', running.cancel)
        sent.end()
        if (error) reject(sent.causeOf(fromStatus(error)))
        else resolve(answer ?? Buffer.alloc(0))
      }
      const call = this.#sending().makeClientStreamRequest(path, same, same, metadata, toOptions(outgoing), answered)
      const running = this.#enter(call, outgoing)
      const sent = new SentItems(call, inputs, { encode: (item) => encode(request, item) })
    })
    return decode(response, bytes)
  }

  async *bidiStream(
    operation: Operation,
    inputs: AsyncIterable<unknown>,
    outgoing: OutgoingCall,
  ): AsyncGenerator<unknown> {
    const { path, request, response } = this.#prepare(operation, outgoing)
    const metadata = toStreamMetadata(outgoing)
    const call = this.#sending().makeBidiStreamRequest(path, same, same, metadata, toOptions(outgoing))
    const received = new ReceivedItems(call)
    const sent = new SentItems(call, inputs, { encode: (item) => encode(request, item), received })
    call.once('status', () => sent.end())
    try {
      yield* this.#receive(call, outgoing, decodeAll(received, response))
    } catch (error) {
      throw sent.causeOf(error)
    } finally {
      sent.end()
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish()
    return this.#closed
  }

  async *#receive(
    call: ClientReadableStream<Buffer> | ClientDuplexStream<Buffer, Buffer>,
    outgoing: OutgoingCall,
    items: AsyncIterable<unknown>,
  ): AsyncGenerator<unknown> {
    // An error that comes while nobody asks for the next item is kept for it; here it is only no uncaught one.
    call.on('error', () => undefined)
    const running = this.#enter(call, outgoing)
    // Its end is not to be waited for until somebody asks for the next item.
    call.once('status', () => this.#leave(running))
    try {
      yield* items
    } finally {
      outgoing.signal?.removeEventListener('abort', running.cancel)
      call.cancel()
      this.#leave(running)
    }
  }

  #sending(): Client {
    this.#sendingClient ??= new Client(this.#address, credentials.createInsecure(), sendingOptions)
    return this.#sendingClient
  }

  async #finish(): Promise<void> {
    const timer = setTimeout(() => this.#cancelEndless(), closeMs)
    try {
      if (this.#running.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    } finally {
      clearTimeout(timer)
      this.#client.close()
      this.#sendingClient?.close()
    }
  }

  #cancelEndless(): void {
    for (const { hasDeadline, cancel } of this.#running) if (!hasDeadline) cancel()
  }

  #enter(call: { cancel(): void }, { signal, timeoutMs }: OutgoingCall): RunningCall {
    const running: RunningCall = { hasDeadline: timeoutMs !== undefined, cancel: () => call.cancel() }
    this.#running.add(running)
    signal?.addEventListener('abort', running.cancel, { once: true })
    return running
  }

  #leave(running: RunningCall): void {
    this.#running.delete(running)
    if (this.#running.size === 0) this.#idle?.()
  }

  #prepare({ id }: Operation, { signal }: OutgoingCall): Method {
    const method = this.#methods.get(id)
    if (method === undefined) throw new ServiceError('unimplemented', `${id} is not offered over gRPC`)
    if (signal?.aborted)
      throw new ServiceError('cancelled', 'the call was cancelled before it was sent', { cause: signal.reason })
    if (this.#closed) throw new ServiceError('unavailable', 'the client is closed')
    return method
  }
}

async function* readItems(call: ClientReadableStream<Buffer>, response: MessageCodec): AsyncGenerator<unknown> {
  try {
    yield* decodeAll(call as AsyncIterable<Buffer>, response)
  } catch (error) {
    throw isStatus(error) ? fromStatus(error) : error
  }
}

async function* decodeAll(messages: AsyncIterable<Buffer>, response: MessageCodec): AsyncGenerator<unknown> {
  for await (const bytes of messages) yield decode(response, bytes)
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

/** A value that the contract lets through and protobuf does not is the caller's fault. */
function encode(request: MessageCodec, input: unknown): Buffer {
  try {
    return request.encode(input)
  } catch (cause) {
    throw new ServiceError('invalid_argument', 'the input cannot be encoded', { cause })
  }
}

/**
 * What was only inherited from another transport and cannot be carried is left out.
 *
 * @throws ServiceError `invalid_argument` for an entry that the caller set.
 */
function toMetadata({ metadata }: OutgoingCall): Metadata {
  const written = writeMetadata(metadata)
  const refused = written.refused.filter((name) => !inherited.has(name))
  if (refused.length === 0) return written.metadata
  const names = refused.join(', ')
  throw new ServiceError(
    'invalid_argument',
    `gRPC metadata is printable ASCII under a name of its own, or base64 where the name ends in -bin, and 8 KiB in all, unlike ${names}`,
  )
}

function toStreamMetadata(outgoing: OutgoingCall): Metadata {
  const metadata = toMetadata(outgoing)
  proveInputEnd(metadata)
  return metadata
}

const inherited: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage'])

function toOptions({ timeoutMs }: OutgoingCall): { deadline?: number } {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }
}

function same(bytes: Buffer): Buffer {
  return bytes
}
