import type { Metadata } from '../call/call.ts'
import type { ContractInfo } from '../contract/contract.ts'
import type { Operation } from '../contract/operation.ts'
import type { CallConvention } from '../telemetry/convention.ts'
import type { AttemptObserver } from '../telemetry/observed-call.ts'
import type { TraceContext } from '../telemetry/trace.ts'

/**
 * A way for calls to go out. It translates between the client and a wire and decides nothing else: validation, deadline
 * and metadata are settled before it is asked.
 */
export interface ClientTransport {
  /** `grpc`, `http`. */
  readonly name: string
  /** The protocol of the endpoints it can call, as instances in a registry announce them: `https`. @defaultValue `name` */
  readonly protocol?: string
  /** The schemes of URLs that it can be given in the place of an address: `https` for `https://host`. @defaultValue none */
  readonly schemes?: readonly string[]
  /** Whether somebody else, such as a proxy, is given what goes out: then a call to this host may leave it. @defaultValue false */
  readonly isRelayed?: boolean
  /** Whether calls wait for a connection until their deadline; over several addresses core waits, for whichever comes first. */
  readonly waitForReady?: boolean
  /**
   * Looks at a contract before anything is opened, so that what it cannot carry is told by `service.check()` and at the start.
   *
   * @throws ContractError naming what cannot be carried.
   */
  check?(contract: ContractInfo): void
  /**
   * Opens a channel to one address of a service that offers the contract. Connects lazily: an unreachable address is no
   * error here, but `unavailable` in the calls.
   *
   * @throws ConfigError or ContractError when address or contract cannot be used.
   */
  open(target: ClientTarget): ClientChannel
  /**
   * How OpenTelemetry is told of the calls of an operation to a target. Asked once for each, and only where an SDK is registered.
   *
   * @defaultValue by the names of transport and operation
   */
  convention?(operation: Operation, target: ClientTarget): CallConvention | undefined
}

export interface ClientTarget {
  readonly contract: ContractInfo
  /** `host:port`, or `unix:/path` for a socket, which not every transport can call. */
  readonly address: string
  /**
   * The `host:port` that the address was found for: the name that a certificate must be for, where the transport is not told another,
   * and what the server is told that it was called as.
   *
   * @defaultValue the address
   */
  readonly authority?: string
  /** One of the `schemes` of the transport, where the address was given in a URL. @defaultValue none was */
  readonly scheme?: string
  /** What goes before the path of each request: `/base`. Given only with `scheme`. @defaultValue nothing */
  readonly pathPrefix?: string
  /** Whether it is one of several, so that a call which it cannot take must be told at once, whatever `waitForReady` says. */
  readonly isOneOfSeveral?: boolean
}

/**
 * How a channel stands to its address: nothing was tried yet, or what was open is closed (`idle`); a first connection is being
 * opened (`connecting`); a call can be sent at once (`ready`); the last attempt failed, and the next one is not due (`failing`).
 */
export type ChannelState = 'idle' | 'connecting' | 'ready' | 'failing'

/** How many connections a channel has, and how they are used. */
export interface ConnectionUse {
  readonly openCount: number
  /** Of those that are open, without a call. */
  readonly idleCount: number
  /** Calls that wait for a connection. */
  readonly waitingCount: number
}

/** A connection, or a pool of them, to one address. */
export interface ClientChannel {
  /**
   * @throws ServiceError with what the remote said, or `unavailable`, `deadline_exceeded`, `cancelled`; marked by `markNotSent()`
   *   where nothing was sent because there was no connection: the call is made over another address then.
   */
  unary(operation: Operation, input: unknown, call: OutgoingCall): Promise<unknown>
  /** The steps throw as `unary` does. Leaving the loop cancels the call. */
  serverStream(operation: Operation, input: unknown, call: OutgoingCall): AsyncIterable<unknown>
  /** Sends the items as fast as the remote takes them; returns their iterator when the call is over, whoever ended it. */
  clientStream(operation: Operation, inputs: AsyncIterable<unknown>, call: OutgoingCall): Promise<unknown>
  /** Both directions at once. Leaving the loop cancels the call. */
  bidiStream(operation: Operation, inputs: AsyncIterable<unknown>, call: OutgoingCall): AsyncIterable<unknown>
  /**
   * How it stands to its address, as far as is known already: asking connects nothing. One that is `failing` must become another
   * by itself, or nobody would call over it again. A channel that cannot know leaves it out and counts as `idle`.
   */
  state?(): ChannelState
  /** How its connections are used, for metrics. A channel that cannot know leaves it out. */
  use?(): ConnectionUse | undefined
  /** Finishes running calls within what they have left and releases the connection. Safe to call twice. */
  close(): Promise<void>
}

/** What goes along with an outgoing call. */
export interface OutgoingCall {
  /** Lower-case keys. */
  readonly metadata: Readonly<Record<string, string>>
  /** How long to wait from now on, above 0; undefined for no limit. Must go onto the wire. */
  readonly timeoutMs: number | undefined
  /** Ends the call as `cancelled`. */
  readonly signal: AbortSignal | undefined
  /** What the attempts of one call share. A transport need not look at it. */
  readonly attempt?: CallAttempt | undefined
  /**
   * Takes what the remote says before its output: lower-case keys, base64 where they end in `-bin`. To be called once at most, when
   * it has come. Never throws.
   */
  readonly onHeaders?: ((metadata: Metadata) => void) | undefined
  /** Takes what the remote says behind its output or its error, as `onHeaders`. To be called before the call is told to be over. */
  readonly onTrailers?: ((metadata: Metadata) => void) | undefined
  /**
   * How many attempts of the same call went out before. To be written where the protocol has a field for it; undefined and 0 are not.
   *
   * @see gRFC A6: `grpc-previous-rpc-attempts`
   */
  readonly previousAttemptCount?: number | undefined
  /** What it goes out as a part of, where that is not the running call; undefined without an OpenTelemetry SDK. A transport need not look at it. */
  readonly trace?: TraceContext | undefined
  /** Takes what only the transport knows of the attempt; undefined without an OpenTelemetry SDK. Never throws. */
  readonly observed?: AttemptObserver | undefined
}

/** What the attempts of one call know of each other. */
export interface CallAttempt {
  /** Where it was tried: who chooses adds to it, and takes another while there is one. */
  readonly tried: Set<object>
  /** Whether it is made beside another that has not ended. */
  readonly isHedge?: boolean
}
