import { Client, type ClientOptions, credentials, Metadata, status } from '@grpc/grpc-js'
import type { EtcdEndpoint, EtcdSettings } from '../etcd-options.ts'
import { toSecureContext } from '../etcd-tls.ts'
import { ChannelSockets } from './channel-sockets.ts'
import { EtcdError } from './etcd-error.ts'
import { type Arrived, type Method, methods } from './etcd-message.ts'
import type { Given, Message } from './message-codec.ts'

export interface AskOptions {
  readonly signal: AbortSignal
  /** What is asked for, as an error says it: `read /tenon/services/user/`. */
  readonly asked: string
}

type RequestOf<M extends Method> = M['request'] extends Message<infer F> ? Given<F> : never
type ResponseOf<M extends Method> = Arrived<M['response']>

/** Speaks gRPC with one member of a cluster at a time, and with the next one when it fails. */
export class EtcdApi {
  readonly #settings: EtcdSettings
  #next: number
  #member: Member | undefined
  /** What the user is known by from now on, once it was asked for. */
  #token: Promise<string> | undefined

  constructor(settings: EtcdSettings) {
    this.#settings = settings
    // Not the first for all processes.
    this.#next = Math.floor(Math.random() * settings.endpoints.length)
  }

  /**
   * Asks each member once, until one answers.
   *
   * @throws EtcdError from the last one; the reason of the signal when it fires.
   */
  async ask<M extends Method>(method: M, request: RequestOf<M>, options: AskOptions): Promise<ResponseOf<M>> {
    for (let triesLeft = this.#settings.endpoints.length - 1; ; triesLeft -= 1) {
      const member = this.#current()
      try {
        return await this.#askWithToken(member, { method, request }, options)
      } catch (error) {
        options.signal.throwIfAborted()
        if (!this.#leave(member, error) || triesLeft === 0) throw error
      }
    }
  }

  /**
   * What happens to keys, from a revision on. Ends when etcd or the signal ends it.
   *
   * @throws EtcdError when the connection or the member fails, or nothing arrives for `watchTimeoutMs` although it is asked for.
   */
  async *watch(
    request: RequestOf<(typeof methods)['watch']>['createRequest'],
    options: AskOptions,
  ): AsyncGenerator<ResponseOf<(typeof methods)['watch']>> {
    const member = this.#current()
    try {
      yield* member.watch({ createRequest: request ?? {} }, { ...options, token: await this.#tokenFor(member) })
    } catch (error) {
      if (options.signal.aborted) return
      this.#leave(member, error)
      throw error
    }
  }

  close(): void {
    this.#member?.close()
    this.#member = undefined
  }

  async #askWithToken<M extends Method>(
    member: Member,
    call: { readonly method: M; readonly request: RequestOf<M> },
    options: AskOptions,
  ): Promise<ResponseOf<M>> {
    const token = this.#tokenFor(member)
    try {
      return await member.ask(call, { ...options, token: await token })
    } catch (error) {
      if (!(error instanceof EtcdError) || !error.isOldToken) throw error
      if (this.#token === token) this.#token = undefined
      return member.ask(call, { ...options, token: await this.#tokenFor(member) })
    }
  }

  /** One that could not be had is asked for again. */
  #tokenFor(member: Member): Promise<string> {
    this.#token ??= this.#authenticate(member)
    const token = this.#token
    token.catch(() => {
      if (this.#token === token) this.#token = undefined
    })
    return token
  }

  /** For all who ask meanwhile: it does not end with the signal of one of them. */
  async #authenticate(member: Member): Promise<string> {
    const { user } = this.#settings
    if (user === undefined) return ''
    const request = { name: user.name, password: user.password() }
    const options = { signal: new AbortController().signal, asked: `let the user ${user.name} in`, token: '' }
    try {
      return (await member.ask({ method: methods.authenticate, request }, options)).token
    } catch (error) {
      if (error instanceof EtcdError && error.isWithoutAuthentication) return ''
      throw error
    }
  }

  #current(): Member {
    const { endpoints } = this.#settings
    this.#member ??= new Member(endpoints[this.#next % endpoints.length] as EtcdEndpoint, this.#settings)
    return this.#member
  }

  /** Whether another member, or a new connection to this one, may do better. */
  #leave(member: Member, error: unknown): boolean {
    if (!(error instanceof EtcdError) || !error.isOfMember) return false
    if (this.#member !== member) return true
    member.close()
    this.#member = undefined
    this.#next += 1
    return true
  }
}

interface CallOptions extends AskOptions {
  readonly token: string
}

/** The connection to one member. */
class Member {
  readonly #address: string
  readonly #settings: EtcdSettings
  readonly #client: Client
  readonly #sockets = new ChannelSockets()
  #callCount = 0
  #isClosed = false

  constructor({ address, isSecure }: EtcdEndpoint, settings: EtcdSettings) {
    const { tls } = settings
    this.#address = address
    this.#settings = settings
    const secured = isSecure ? credentials.createFromSecureContext(toSecureContext(tls)) : credentials.createInsecure()
    this.#client = new Client(`dns:///${address}`, this.#sockets.of(secured), {
      ...channelOptions,
      ...(tls.serverName !== undefined && {
        'grpc.ssl_target_name_override': tls.serverName,
        'grpc.default_authority': tls.serverName,
      }),
    })
  }

  ask<M extends Method>(
    { method, request }: { readonly method: M; readonly request: RequestOf<M> },
    { signal, asked, token }: CallOptions,
  ): Promise<ResponseOf<M>> {
    const { promise, resolve, reject } = Promise.withResolvers<ResponseOf<M>>()
    if (signal.aborted) return Promise.reject(signal.reason as Error)
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
