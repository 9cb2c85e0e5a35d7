import { type ChannelCredentials, Client, type ClientOptions, connectivityState, credentials } from '@grpc/grpc-js'
import type { ChannelState, ClientTarget } from '@tenon/core/client'
import { ConfigError } from '@tenon/core/transport'
import type { GrpcClientSettings } from './grpc-client-options.ts'
import { toSecureCredentials } from './renewed-credentials.ts'

export interface ConnectionTarget {
  readonly target: Pick<ClientTarget, 'address' | 'authority'>
  readonly settings: GrpcClientSettings
  /** Whether it is for calls that send streams. */
  readonly sendsStreams: boolean
}

/**
 * A connection to one address, opened with the first call. grpc-js waits for ever for a peer that takes connections and says
 * nothing; here connecting is given up after `connectTimeoutMs` and begun anew, and calls that waited for it are unavailable.
 *
 * @see @grpc/grpc-js 1.14, transport.js: Http2SubchannelConnector has no timeout
 */
export class Connection {
  readonly #address: string
  readonly #credentials: ChannelCredentials
  readonly #options: ClientOptions
  readonly #connectTimeoutMs: number | undefined
  #client: Client
  #timer: NodeJS.Timeout | undefined
  #hasStalled = false

  /** @throws ConfigError `config.malformed` for an address that is none, and files of `tls` that cannot be read or used. */
  constructor({ target, settings, sendsStreams }: ConnectionTarget) {
    this.#address = toTarget(target.address)
    this.#credentials = toCredentials(settings)
    this.#options = { ...toNames(target.authority), ...toChannelOptions(settings), ...(sendsStreams && sendingOptions) }
    this.#connectTimeoutMs = settings.waitForReady ? undefined : settings.connectTimeoutMs
    this.#client = new Client(this.#address, this.#credentials, this.#options)
  }

  /** What the next call is made with. */
  forCall(): Client {
    if (this.#current() !== connectivityState.READY) this.#watch()
    return this.#client
  }

  state(): ChannelState {
    const state = stateOf[this.#current()]
    return state === 'connecting' && this.#hasStalled ? 'failing' : state
  }

  close(): void {
    this.#stopTimer()
    this.#client.close()
  }

  #current(): connectivityState {
    const current = this.#client.getChannel().getConnectivityState(false)
    if (current === connectivityState.READY) this.#hasStalled = false
    return current
  }

  #watch(): void {
    if (this.#connectTimeoutMs === undefined) return
    if (this.#timer !== undefined) return
    const timer = setTimeout(() => this.#replaceStalled(), this.#connectTimeoutMs).unref()
    this.#timer = timer
    this.#awaitReady(timer)
  }

  /** A timer that is left to run would take away a later connection before its time. */
  #awaitReady(timer: NodeJS.Timeout): void {
    const channel = this.#client.getChannel()
    // Without a deadline: that would be a timer which keeps the process.
    channel.watchConnectivityState(channel.getConnectivityState(false), Number.POSITIVE_INFINITY, () => {
      if (this.#timer !== timer) return
      if (this.#current() !== connectivityState.READY) return this.#awaitReady(timer)
      this.#stopTimer()
    })
  }

  #stopTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #replaceStalled(): void {
    this.#timer = undefined
    const current = this.#current()
    if (current === connectivityState.READY || current === connectivityState.IDLE) return
    this.#hasStalled = true
    this.#client.close()
    // From the common pool it would get the connection that stalled, while another client waits for that too.
    const options = { ...this.#options, 'grpc.use_local_subchannel_pool': 1 }
    this.#client = new Client(this.#address, this.#credentials, options)
    // So that it is found again although nobody calls what is failing.
    this.#client.getChannel().getConnectivityState(true)
    this.#watch()
  }
}

/**
 * Without the scheme a host named `unix` would be a file.
 *
 * @see gRPC name resolution
 */
function toTarget(address: string): string {
  if (/^unix:\/./.test(address)) return address
  const port = /^(?:\[[\da-f:.]+(?:%\w+)?\]|[^\s,/:[\]]+):(\d{1,5})$/i.exec(address)?.[1]
  if (port !== undefined && Number(port) <= 65_535) return `dns:///${address}`
  const expected = 'host:port, such as 127.0.0.1:50051, or unix:/path'
  const message = `grpcClient: the address must be ${expected}, found ${JSON.stringify(address)}`
  throw new ConfigError([{ code: 'config.malformed', message }])
}

const stateOf = {
  [connectivityState.IDLE]: 'idle',
  [connectivityState.CONNECTING]: 'connecting',
  [connectivityState.READY]: 'ready',
  [connectivityState.TRANSIENT_FAILURE]: 'failing',
  [connectivityState.SHUTDOWN]: 'idle',
} as const satisfies Record<connectivityState, ChannelState>

/** A callee that was restarted is found again within a second. @see gRPC connection back-off protocol, whose own first wait is 1 s and longest 120 s */
const fixedOptions: ClientOptions = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // A name whose servers were all replaced, as by a rollout, is asked for again at once. @see grpc-js, resolver-dns: after 30 s unless told
  'grpc.dns_min_time_between_resolutions_ms': 100,
  // Its own check is ours, which says which option is meant.
  'grpc.max_send_message_length': -1,
  // Where and how to call is settled before; neither a DNS record nor the environment must change it.
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
  // Nothing reads channelz, and its counters are kept up in every call.
  'grpc.enable_channelz': 0,
}

/**
 * Nothing that was sent is kept for another attempt: of each call grpc-js would take a megabyte that the callee does not ask for,
 * and go on writing it when the callee has ended the call.
 */
const sendingOptions: ClientOptions = { 'grpc.per_rpc_retry_buffer_size': 0 }

/** @see grpc-js, CompressionAlgorithms */
const gzip = 2

function toChannelOptions({ tls, keepAlive, compression, maxResponseBytes }: GrpcClientSettings): ClientOptions {
  return {
    ...fixedOptions,
    'grpc.max_receive_message_length': maxResponseBytes,
    ...(compression === 'gzip' && { 'grpc.default_compression_algorithm': gzip }),
    ...(tls?.serverName !== undefined && {
      'grpc.ssl_target_name_override': tls.serverName,
      'grpc.default_authority': tls.serverName,
    }),
    ...(keepAlive && {
      'grpc.keepalive_time_ms': keepAlive.intervalMs,
      'grpc.keepalive_timeout_ms': keepAlive.timeoutMs,
      'grpc.keepalive_permit_without_calls': keepAlive.withoutCalls ? 1 : 0,
    }),
  }
}

/** The host of what an address was found for is what its certificate is for. */
function toNames(authority: string | undefined): ClientOptions {
  if (authority === undefined) return {}
  return { 'grpc.default_authority': authority, 'grpc.ssl_target_name_override': authority.replace(/:\d+$/, '') }
}

function toCredentials({ tls }: GrpcClientSettings): ChannelCredentials {
  return tls === undefined ? credentials.createInsecure() : toSecureCredentials(tls)
}
