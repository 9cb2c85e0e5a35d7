import { type ChannelCredentials, Client, type ClientOptions, credentials, Metadata, status } from '@grpc/grpc-js'
import type { EtcdEndpoint, EtcdSettings } from '../etcd-options.ts'
import { type EtcdTlsOptions, toSecureContext } from '../etcd-tls.ts'
import { ChannelSockets } from './channel-sockets.ts'
import { EtcdError } from './etcd-error.ts'
import { type Method, methods, type RequestOf, type ResponseOf } from './etcd-message.ts'

export interface CallOptions {
  readonly signal: AbortSignal
  /** What is asked for, as an error says it: `read /tenon/services/user/`. */
  readonly asked: string
  /** What the user is known by; empty for nobody. */
  readonly token: string
}

/** A connection to one member, opened with the first call: the only place that speaks gRPC. */
export class EtcdMember {
  readonly #address: string
  readonly #settings: EtcdSettings
  readonly #client: Client
  readonly #sockets = new ChannelSockets()
  #callCount = 0
  #isClosed = false

  /** @throws Error when a file of a certificate cannot be read or used */
  constructor(endpoint: EtcdEndpoint, settings: EtcdSettings) {
    const { address } = endpoint
    const { tls } = settings
    this.#address = address
    this.#settings = settings
    this.#client = new Client(`dns:///${address}`, this.#sockets.of(toCredentials(endpoint, tls)), {
      ...channelOptions,
      ...(tls.serverName !== undefined && {
        'grpc.ssl_target_name_override': tls.serverName,
        'grpc.default_authority': tls.serverName,
      }),
    })
  }

  /** @throws EtcdError; the reason of the signal where it has fired already. */
  async ask<M extends Method>(
    { method, request }: { readonly method: M; readonly request: RequestOf<M> },
    { signal, asked, token }: CallOptions,
  ): Promise<ResponseOf<M>> {
    signal.throwIfAborted()
    this.#requireOpen(asked)
    const { promise, resolve, reject } = Promise.withResolvers<ResponseOf<M>>()
    const { encode, decode } = codecOf(method)
    this.#count(1)
    const deadline = Date.now() + this.#settings.requestTimeoutMs
    const call = this.#client.makeUnaryRequest(
      method.path,
      encode,
      decode,
      request,
      toMetadata(token),
      { deadline },
      (error, response) => {
        signal.removeEventListener('abort', cancel)
        this.#count(-1)
        if (error) reject(this.#toError(error, asked))
        else resolve(response as ResponseOf<M>)
      },
    )
    const cancel = () => call.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    return promise
  }

  async *watch(
    request: RequestOf<(typeof methods)['watch']>,
    { signal, asked, token }: CallOptions,
  ): AsyncGenerator<ResponseOf<(typeof methods)['watch']>> {
    if (signal.aborted) return
    this.#requireOpen(asked)
    const { encode, decode } = codecOf(methods.watch)
    this.#count(1)
    const stream = this.#client.makeBidiStreamRequest(methods.watch.path, encode, decode, toMetadata(token))
    const cancel = () => stream.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    let isSilent = false
    // Counted and not timed, so that a process which stood still hears what has arrived meanwhile before it gives up.
    let unansweredCount = 0
    const beat = () => {
      isSilent = unansweredCount === beatsPerTimeout - 1
      unansweredCount += 1
      if (isSilent) cancel()
      else stream.write({ progressRequest: {} })
    }
    const heartbeat = setInterval(beat, this.#settings.watchTimeoutMs / beatsPerTimeout).unref()
    stream.write(request)
    try {
      for await (const response of stream) {
        unansweredCount = 0
        yield response as ResponseOf<(typeof methods)['watch']>
      }
    } catch (error) {
      if (!isSilent) throw this.#toError(error, asked)
      const details = `nothing arrived for ${this.#settings.watchTimeoutMs} ms`
      throw new EtcdError({ address: this.#address, asked, status: 'UNAVAILABLE', details })
    } finally {
      clearInterval(heartbeat)
      signal.removeEventListener('abort', cancel)
      cancel()
      this.#count(-1)
    }
  }

  /** Takes no calls any more; those that run go on. */
  close(): void {
    this.#isClosed = true
    this.#client.close()
    this.#count(0)
  }

  #count(change: number): void {
    this.#callCount += change
    if (this.#isClosed && this.#callCount === 0) this.#sockets.destroy()
  }

  /** Another call may have left it meanwhile. */
  #requireOpen(asked: string): void {
    if (!this.#isClosed) return
    const details = 'its connection was given up'
    throw new EtcdError({ address: this.#address, asked, status: 'UNAVAILABLE', details })
  }

  #toError(error: unknown, asked: string): EtcdError {
    const { code, details } = error as { readonly code?: number; readonly details?: string }
    const name = status[code ?? status.UNKNOWN] ?? 'UNKNOWN'
    return new EtcdError({ address: this.#address, asked, status: name, details: details ?? String(error) }, error)
  }
}

/** At each but the last a sign of life is asked for. */
const beatsPerTimeout = 3

const channelOptions: ClientOptions = {
  // A connection that has failed is not shared with the next one to the same member.
  'grpc.use_local_subchannel_pool': 1,
  // All instances of a name come in one answer. A guess: some 100,000 of them.
  'grpc.max_receive_message_length': 67_108_864,
  // Who tries again, and where, is decided here alone.
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_channelz': 0,
}

function toCredentials({ address, isSecure }: EtcdEndpoint, tls: EtcdTlsOptions): ChannelCredentials {
  if (!isSecure) return credentials.createInsecure()
  try {
    return credentials.createFromSecureContext(toSecureContext(tls))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`etcd at ${address} cannot be reached: ${reason}`, { cause })
  }
}

/**
 * Each call asks for a member that has a leader: one that is cut off from the others would go on in silence.
 *
 * @see etcd, api/v3rpc/rpctypes: MetadataRequireLeaderKey, TokenFieldNameGRPC
 */
function toMetadata(token: string): Metadata {
  const metadata = new Metadata()
  metadata.set('hasleader', 'true')
  if (token !== '') metadata.set('token', token)
  return metadata
}

function codecOf<M extends Method>({ request, response }: M) {
  return {
    encode: (value: RequestOf<M>) => Buffer.from(request.encode(value)),
    decode: (bytes: Buffer) => response.decode(bytes),
  }
}
