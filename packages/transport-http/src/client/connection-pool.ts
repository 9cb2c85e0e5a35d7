import type { IncomingHttpHeaders } from 'node:http'
import type { SecureContextOptions } from 'node:tls'
import type { ChannelState, ClientTarget, ConnectionUse } from '@tenon/core/client'
import { ConfigError } from '@tenon/core/transport'
import type { Client, Dispatcher, Pool } from 'undici'
import { type Connection, Exchange, type ReplyHead } from './exchange.ts'
import type { HttpClientSettings } from './http-client-options.ts'
import { writeDeadline } from './write-headers.ts'

/** A request as it goes onto the wire. */
export interface WireRequest {
  readonly method: string
  /** With its query, percent-encoded. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | AsyncIterable<Uint8Array> | undefined
  /** Whether it does no harm if it is carried out twice. */
  readonly isRepeatable: boolean
}

/** The call that a request is sent for. */
export interface SendingCall {
  /** Ends the request with its reason. */
  readonly signal: AbortSignal
  /** What is left of the time until the deadline, asked when the request is sent; undefined without one. */
  readonly remainingMs: number | undefined
}

/** A reply whose head has come. */
export interface WireReply extends ReplyHead {
  /** Its bytes as they come; to be read once. */
  body(): AsyncGenerator<Buffer>
  /** What stood behind the body; undefined before it has come in whole. */
  trailers(): IncomingHttpHeaders | undefined
  /** Resolves when it has come in whole, or never will, whether somebody reads it or not. */
  readonly ended: Promise<void>
}

/**
 * Connections that are kept for further calls, kept ones for input streams, and new ones for one request each. Over HTTP/2 Node
 * ends a stream's input as if it were complete before it says that it was broken off, so that a server may act on half of it.
 */
type Kind = 'kept' | 'sending' | 'fresh'

/** The connections to one address. undici is loaded with the first of them. */
export class ConnectionPool {
  readonly #address: string
  readonly #origin: string
  readonly #pathPrefix: string
  /** undici takes the name for TLS from it too, where no other is given. */
  readonly #host: { readonly host?: string }
  readonly #settings: HttpClientSettings
  readonly #dispatchers = new Map<Kind, Promise<Dispatcher>>()
  readonly #pools: Pool[] = []
  /** Until one is closed. It is asked for with every call, and undici adds up its numbers each time. */
  #isConnected = false
  /** On the clock of `performance.now()`: when connecting last failed. */
  #failedAtMs = Number.NEGATIVE_INFINITY

  /** @throws ConfigError `config.malformed` for an address that is none. */
  constructor(target: Pick<ClientTarget, 'address' | 'authority' | 'pathPrefix'>, settings: HttpClientSettings) {
    const { address, authority, pathPrefix = '' } = target
    this.#address = address
    this.#origin = toOrigin(address, settings)
    this.#pathPrefix = pathPrefix
    this.#host = authority === undefined ? {} : { host: authority }
    this.#settings = settings
  }

  /**
   * Sends a request and resolves with the head of its reply. A repeatable one on whose connection nothing came back is sent once
   * more, over a new connection, where the old one had answered before: the server may have closed it just then. One that never
   * answered is no such case, and in an outage each call would be sent twice.
   *
   * @throws what the signal was fired with; ServiceError `unavailable` for a connection that failed.
   * @see RFC 9110 section 9.2.2, and RFC 9112 section 9.3.1
   */
  async send(request: WireRequest, call: SendingCall): Promise<WireReply> {
    const isStream = request.body !== undefined && !Buffer.isBuffer(request.body)
    const first = await this.#dispatch(isStream && this.#settings.http2 ? 'sending' : 'kept', request, call)
    try {
      return toReply(await first.head, first)
    } catch (error) {
      if (first.wasNotSent) this.#failedAtMs = performance.now()
      if (!first.wasDropped || !request.isRepeatable || call.signal.aborted) throw error
      const second = await this.#dispatch('fresh', request, call)
      return toReply(await second.head, second)
    }
  }

  /** Where a request goes. */
  urlOf({ path }: WireRequest): string {
    return this.#origin + this.#pathPrefix + path
  }

  /** Through a proxy nothing is known of connections but that one has just failed. */
  state(): ChannelState {
    if (this.#isConnected) return 'ready'
    const stats = this.#pools.map((pool) => pool.stats)
    this.#isConnected = stats.some(({ connected }) => connected > 0)
    if (this.#isConnected) return 'ready'
    if (performance.now() - this.#failedAtMs < failingMs) return 'failing'
    return stats.some(({ pending, queued }) => pending + queued > 0) ? 'connecting' : 'idle'
  }

  /** Undefined through a proxy, where nothing is known. */
  use(): ConnectionUse | undefined {
    if (this.#settings.proxy !== undefined) return undefined
    const stats = this.#pools.map((pool) => pool.stats)
    return {
      openCount: sumOf(stats.map(({ connected }) => connected)),
      idleCount: sumOf(stats.map(({ free }) => free)),
      waitingCount: sumOf(stats.map(({ queued }) => queued)),
    }
  }

  /** Cuts what is left and releases the connections. */
  async close(): Promise<void> {
    const dispatchers = await Promise.all(this.#dispatchers.values())
    await Promise.all(dispatchers.map((dispatcher) => dispatcher.destroy()))
  }

  async #dispatch(kind: Kind, request: WireRequest, call: SendingCall): Promise<Exchange> {
    const dispatcher = await this.#dispatcher(kind)
    const { method, body } = request
    const path = this.#pathPrefix + request.path
    const { signal } = call
    const exchange = new Exchange({ signal, address: this.#address })
    // undici's types know streams only, its code any iterable: lib/core/request.js
    const source = (body ?? null) as Buffer | null
    // Only now: undici may have been loaded since the call began, or a first attempt been made.
    const headers = { ...writeDeadline(call.remainingMs), ...this.#host, ...request.headers }
    const sent = { origin: this.#origin, method, path, headers, body: source, ...noTimeouts }
    if (!signal.aborted) dispatcher.dispatch(sent, exchange)
    return exchange
  }

  #dispatcher(kind: Kind): Promise<Dispatcher> {
    const known = this.#dispatchers.get(kind)
    if (known) return known
    const opened = openDispatcher(this.#origin, this.#settings, kind)
    this.#dispatchers.set(kind, opened)
    const note = (dispatcher: Dispatcher) => {
      if (!('stats' in dispatcher)) return
      dispatcher.on('disconnect', () => (this.#isConnected = false))
      this.#pools.push(dispatcher as Pool)
    }
    opened.then(note, () => undefined)
    return opened
  }
}

/** How long an address that could not be reached is not tried for others' sake. A guess: as long as `grpcClient()` waits. */
const failingMs = 1_000

/** Deadlines are the call's; undici would end streams in which nothing happens for five minutes. */
const noTimeouts = { headersTimeout: 0, bodyTimeout: 0 }

/** Loading undici takes longer than anything else here, and most services that are served over HTTP call nobody over it. */
async function openDispatcher(origin: string, settings: HttpClientSettings, kind: Kind): Promise<Dispatcher> {
  const undici = await import('undici')
  const { connectionsPerAddress, keepAliveTimeoutMs, connectTimeoutMs, proxy } = settings
  const allowH2 = settings.http2 && kind !== 'sending'
  const tls = toTls(settings)
  const options: Pool.Options = {
    connections: connectionsPerAddress,
    // Without it undici closes a connection after each request.
    pipelining: kind === 'fresh' ? 0 : 1,
    keepAliveTimeout: keepAliveTimeoutMs,
    connectTimeout: connectTimeoutMs,
    allowH2,
  }
  const factory = (to: URL, given: object) => provenClient(new undici.Client(to, given))
  if (proxy === undefined)
    return new undici.Pool(origin, { ...options, factory, connect: { ...tls, preferH2: allowH2 } })
  const pool = (to: string | URL, given: object) => new undici.Pool(to, { ...given, factory })
  return new undici.ProxyAgent({ ...options, factory: pool, uri: proxy, requestTls: { ...tls, preferH2: allowH2 } })
}

/** Tells each exchange of its connection. A client of undici has one at a time, and opens another when that is gone. */
function provenClient(client: Client): Client {
  let connection: Connection = { hasAnswered: false }
  client.on('connect', () => (connection = { hasAnswered: false }))
  const connectionNow = () => connection
  const dispatch = client.dispatch.bind(client)
  client.dispatch = (options, handler) => {
    if (handler instanceof Exchange) handler.connectionNow = connectionNow
    return dispatch(options, handler)
  }
  return client
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

function toTls({ tls }: HttpClientSettings): SecureContextOptions & { readonly servername?: string } {
  const { ca, cert, key, serverName } = tls ?? {}
  return {
    ...(ca !== undefined && { ca: [ca].flat() }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(serverName !== undefined && { servername: serverName }),
  }
}

function toOrigin(address: string, { tls }: HttpClientSettings): string {
  const origin = `${tls === undefined ? 'http' : 'https'}://${address}`
  if (/^[^\s/?#@\\]+$/.test(address) && URL.canParse(origin)) return new URL(origin).origin
  const message = `httpClient: the address must be host:port, such as 127.0.0.1:3001, found ${JSON.stringify(address)}`
  throw new ConfigError([{ code: 'config.malformed', message }])
}

function toReply(head: ReplyHead, exchange: Exchange): WireReply {
  return { ...head, body: () => exchange.body(), trailers: () => exchange.trailers, ended: exchange.ended }
}
