import type {
  ClientDuplexStream,
  ClientReadableStream,
  ClientUnaryCall,
  ClientWritableStream,
  ServiceError as GrpcError,
} from '@grpc/grpc-js'
import type {
  ChannelState,
  ConnectionUse,
  ClientChannel,
  ClientTarget,
  ClientTransport,
  OutgoingCall,
} from '@tenon/core/client'
import type { Operation } from '@tenon/core/contract'
import { type CallConvention, grpcClientConvention, type SizeObserver } from '@tenon/core/telemetry'
import { ServiceError } from '@tenon/core/transport'
import { toProtoService } from '../service/proto-service.ts'
import { type ClientMethod, toClientMethod } from './client-method.ts'
import { Connection } from './connection.ts'
import { causedBy, toCallError } from './failed-call.ts'
import { type GrpcClientOptions, type GrpcClientSettings, resolveGrpcClientOptions } from './grpc-client-options.ts'
import { ReceivedItems } from './received-items.ts'
import { RunningCalls } from './running-calls.ts'
import { toMetadata, toStreamMetadata } from './sent-metadata.ts'
import { SentItems } from './sent-items.ts'
import { keepTrailers, tellHeaders, tellTrailers } from './told-metadata.ts'

/**
 * Calls other services over gRPC, by their contracts: `remote(orders, { via: grpcClient(), at: 'static:///order:50051' })`.
 *
 * @throws ConfigError `config.out_of_range`, `config.malformed`
 */
export function grpcClient(options: GrpcClientOptions = {}): ClientTransport {
  const settings = resolveGrpcClientOptions(options)
  return Object.freeze({
    name: 'grpc',
    protocol: settings.tls === undefined ? 'grpc' : 'grpcs',
    waitForReady: settings.waitForReady,
    check: (contract) => void toProtoService(contract),
    open: (target) => new GrpcChannel(target, settings),
    convention: conventionOf,
  } satisfies ClientTransport)
}

/** How long running calls without a deadline may take to end once the channel closes. A guess. */
const closeMs = 1_000

class GrpcChannel implements ClientChannel {
  readonly #settings: GrpcClientSettings
  readonly #target: ClientTarget
  readonly #connection: Connection
  /** For calls that send streams; most channels never need one. */
  #sendingConnection: Connection | undefined
  readonly #methods: ReadonlyMap<string, ClientMethod>
  readonly #running = new RunningCalls()
  #closed: Promise<void> | undefined

  constructor(target: ClientTarget, given: GrpcClientSettings) {
    const { contract, isOneOfSeveral } = target
    const { fullName, methods } = toProtoService(contract)
    const settings = isOneOfSeveral ? { ...given, waitForReady: false } : given
    this.#settings = settings
    this.#target = target
    this.#connection = new Connection({ target, settings, sendsStreams: false })
    this.#methods = new Map(methods.map((method) => [method.operation.id, toClientMethod(fullName, method, settings)]))
  }

  async unary(operation: Operation, input: unknown, outgoing: OutgoingCall): Promise<unknown> {
    const { path, encode, decode } = this.#prepare(operation, outgoing)
    const argument = encode(input)
    const metadata = toMetadata(outgoing, this.#settings.waitForReady)
    const bytes = await this.#answer(outgoing, (options, answered) => {
      const client = this.#connection.forCall()
      return { call: client.makeUnaryRequest(path, same, same, argument, metadata, options, answered) }
    })
    return decode(bytes)
  }

  async *serverStream(operation: Operation, input: unknown, outgoing: OutgoingCall): AsyncGenerator<unknown> {
    const { path, encode, decode } = this.#prepare(operation, outgoing)
    const argument = encode(input)
    const metadata = toMetadata(outgoing, this.#settings.waitForReady)
    const options = toOptions(outgoing)
    const call = this.#connection.forCall().makeServerStreamRequest(path, same, same, argument, metadata, options)
    const items = decodeAll(call as AsyncIterable<Buffer>, decode)
    yield* this.#receive(call, outgoing, { items, ...options })
  }

  async clientStream(operation: Operation, inputs: AsyncIterable<unknown>, outgoing: OutgoingCall): Promise<unknown> {
    const { path, encode, decode } = this.#prepare(operation, outgoing)
    const metadata = toStreamMetadata(outgoing, this.#settings.waitForReady)
    const bytes = await this.#answer(outgoing, (options, answered) => {
      const client = this.#sending().forCall()
      const call = client.makeClientStreamRequest(path, same, same, metadata, options, answered)
      return { call, sent: new SentItems(call, inputs, { encode }) }
    })
    return decode(bytes)
  }

  async *bidiStream(
    operation: Operation,
    inputs: AsyncIterable<unknown>,
    outgoing: OutgoingCall,
  ): AsyncGenerator<unknown> {
    const { path, encode, decode } = this.#prepare(operation, outgoing)
    const metadata = toStreamMetadata(outgoing, this.#settings.waitForReady)
    const options = toOptions(outgoing)
    const call = this.#sending().forCall().makeBidiStreamRequest(path, same, same, metadata, options)
    const received = new ReceivedItems(call, (status) => toCallError(status, this.#settings, options.deadline))
    const sent = new SentItems(call, inputs, { encode, received })
    call.once('status', () => sent.end())
    try {
      yield* this.#receive(call, outgoing, { items: decodeAll(received, decode), ...options })
    } catch (error) {
      throw sent.causeOf(error)
    } finally {
      sent.end()
    }
  }

  /** That of the connection for calls without input streams, unless it was never needed. */
  state(): ChannelState {
    const state = this.#connection.state()
    return state === 'idle' && this.#sendingConnection ? this.#sendingConnection.state() : state
  }

  /** Calls share a connection. */
  use(): ConnectionUse {
    const connections = [this.#connection, ...(this.#sendingConnection ? [this.#sendingConnection] : [])]
    const openCount = connections.filter((connection) => connection.state() === 'ready').length
    return { openCount, idleCount: this.#running.isEmpty ? openCount : 0, waitingCount: 0 }
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish()
    return this.#closed
  }

  /** @throws ServiceError what the call ended with; what its inputs threw. */
  #answer(outgoing: OutgoingCall, begin: (options: SentOptions, answered: Answered) => BegunCall): Promise<Buffer> {
    const options = toOptions(outgoing)
    const { deadline } = options
    return new Promise((resolve, reject) => {
      const { call, sent } = begin(options, (error, answer) => {
        running.leave()
        sent?.end()
        if (error === null) return resolve(answer ?? Buffer.alloc(0))
        const failure = toCallError(error, this.#settings, deadline)
        reject(causedBy(outgoing.signal, sent ? sent.causeOf(failure) : failure))
      })
      const running = this.#running.enter(call, { signal: outgoing.signal, deadline })
      tellHeaders(call, outgoing)
      tellTrailers(call, outgoing)
    })
  }

  async *#receive(
    call: ReceivingCall,
    outgoing: OutgoingCall,
    { items, deadline }: Receiving,
  ): AsyncGenerator<unknown> {
    // An error that comes while nobody asks for the next item is kept for it; here it is only no uncaught one.
    call.on('error', () => undefined)
    const running = this.#running.enter(call, { signal: outgoing.signal, deadline })
    // Its end is not to be waited for until somebody asks for the next item.
    call.once('status', () => running.leave())
    tellHeaders(call, outgoing)
    const told = keepTrailers(call, outgoing)
    try {
      yield* items
      told()
    } catch (error) {
      told()
      throw causedBy(outgoing.signal, isStatus(error) ? toCallError(error, this.#settings, deadline) : error)
    } finally {
      call.cancel()
      running.leave()
    }
  }

  #sending(): Connection {
    this.#sendingConnection ??= new Connection({
      target: this.#target,
      settings: this.#settings,
      sendsStreams: true,
    })
    return this.#sendingConnection
  }

  async #finish(): Promise<void> {
    await this.#running.finish(closeMs)
    this.#connection.close()
    this.#sendingConnection?.close()
  }

  #prepare({ id }: Operation, { signal, observed }: OutgoingCall): ClientMethod {
    const method = this.#methods.get(id)
    if (method === undefined) throw new ServiceError('unimplemented', `${id} is not offered over gRPC`)
    if (signal?.aborted)
      throw new ServiceError('cancelled', 'the call was cancelled before it was sent', { cause: signal.reason })
    if (this.#closed) throw new ServiceError('unavailable', 'the client is closed')
    return observed?.sizes ? measured(method, observed.sizes) : method
  }
}

/** The same, with all messages of one call counted. */
function measured({ path, encode, decode }: ClientMethod, sizes: SizeObserver): ClientMethod {
  return {
    path,
    encode: (input) => {
      const bytes = encode(input)
      sizes.addBytes('request', bytes.length)
      return bytes
    },
    decode: (bytes) => {
      sizes.addBytes('response', bytes.length)
      return decode(bytes)
    },
  }
}

/** What grpc-js is told of a call; its deadline, in epoch milliseconds, is also looked at when it has ended. */
interface SentOptions {
  readonly deadline?: number
}
interface Receiving extends SentOptions {
  readonly items: AsyncIterable<unknown>
}
type Answered = (error: GrpcError | null, answer?: Buffer) => void
/** A call that is answered once, and its inputs where it has many. */
interface BegunCall {
  readonly call: ClientUnaryCall | ClientWritableStream<Buffer>
  readonly sent?: SentItems
}
type ReceivingCall = ClientReadableStream<Buffer> | ClientDuplexStream<Buffer, Buffer>

async function* decodeAll(messages: AsyncIterable<Buffer>, decode: ClientMethod['decode']): AsyncGenerator<unknown> {
  for await (const bytes of messages) yield decode(bytes)
}

/** Undefined for an operation that is not offered over gRPC. */
function conventionOf({ id }: Operation, place: ClientTarget): CallConvention | undefined {
  const { fullName, methods } = toProtoService(place.contract)
  const method = methods.find(({ operation }) => operation.id === id)
  return method && grpcClientConvention({ method: `${fullName}/${method.name}`, place })
}

function isStatus(error: unknown): error is GrpcError {
  return error instanceof Error && 'code' in error && 'details' in error && !ServiceError.is(error)
}

function toOptions({ timeoutMs }: OutgoingCall): SentOptions {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }
}

function same(bytes: Buffer): Buffer {
  return bytes
}
