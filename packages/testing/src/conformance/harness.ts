import type { StartedService } from '@tenon/core'
import type { Operation } from '@tenon/core/contract'
import type { Metadata, Transport } from '@tenon/core/transport'
import type { Lacks } from './feature.ts'

/** A transport under test: how to start it for a service, and how to call that service as a peer that knows no rules. */
export interface ConformanceHarness {
  /** Short, for titles: `http`. */
  readonly name: string
  /**
   * Starts the service on a fresh transport, on a free port, and connects a peer to it. Called once for every case; the suite
   * stops the service, and closes the peer after it.
   */
  start(service: ServiceUnderTest): Promise<Peer>
  /** What the transport cannot do, with the reason. Cases that need it are reported with the reason and not run. */
  readonly lacks?: Lacks
  /**
   * The largest input, and the largest item of an input stream, that the transport takes as `start` sets it up. Needed for
   * `limit.size`.
   *
   * @remarks From 65_536, so that what frames an input does not count.
   */
  readonly sizeLimitBytes?: number
  /**
   * Longest time a case may take; one that waits for what never comes fails then.
   *
   * @defaultValue 4_000, below the 5 s after which vitest ends a test and says less
   */
  readonly caseLimitMs?: number
}

/** The service of a case; what is left to say is how calls come to it. */
export interface ServiceUnderTest {
  /** Starts it on these transports. To be called once. */
  start(...transports: readonly Transport[]): Promise<StartedService>
}

/**
 * A caller at the level of the wire. It must not validate, fill in, convert or retry anything: what it is told to send goes out,
 * and what came back is told as it came.
 */
export interface Peer {
  /**
   * Makes a call that is answered once. Rejects only when the peer itself is at fault, or the answer breaks the rules of the
   * transport; a failure is a reply. A connection that was refused is `unavailable`.
   */
  call(call: PeerCall): Promise<PeerReply>
  /**
   * Makes a call that is answered with any number of items, and takes an item off the wire only when the loop asks for it.
   * Leaving the loop leaves the call. Needed for `stream.output`.
   */
  stream?(call: PeerCall): AsyncIterable<PeerEvent>
  /** Closes its connections. */
  close?(): Promise<void>
}

export interface PeerCall {
  readonly operation: Operation
  /** JSON data, whether it fits the schema or not: `int64()` as decimal text, `bytes()` as base64. */
  readonly input: unknown
  /**
   * In place of `input` where the operation takes a stream. The next one is asked for when the wire has taken the one before.
   * When that throws, the caller breaks off in the middle of its input.
   */
  readonly inputs: AsyncIterable<unknown> | undefined
  /** Lower-case keys; what ends in `-bin` is base64 of bytes. */
  readonly metadata: Readonly<Record<string, string>>
  /** How long the caller is willing to wait; to be told on the wire, not to be acted on by the peer. */
  readonly timeoutMs: number | undefined
  /** Fires when the caller leaves. */
  readonly signal: AbortSignal | undefined
}

/** What came back. */
export type PeerReply = PeerSuccess | PeerFailure

export interface PeerSuccess {
  readonly ok: true
  /** Of `int64()` and `bytes()` either form; undefined where nothing comes back. */
  readonly output: unknown
  /** Lower-case names; what ends in `-bin` is base64 of bytes. */
  readonly headers: Metadata
  /** What came behind the output, as `headers`. Needed for `trailers`. */
  readonly trailers?: Metadata | undefined
}

export interface PeerFailure {
  readonly ok: false
  readonly code: string
  readonly message: string
  readonly reason?: string | undefined
  /** As in `ServiceError`: `violations` and `retryDelayMs` have the same names and forms on every transport. */
  readonly details?: Readonly<Record<string, unknown>> | undefined
  readonly headers: Metadata
  readonly trailers?: Metadata | undefined
  /** Everything else that came back, as text, in which the suite looks for what must not leave the service. */
  readonly received?: string
}

/**
 * What comes of a stream: the headers of the reply before all items, where there are any; items; the failure that ended it; what
 * came behind all that, where there is any.
 */
export type PeerEvent = { readonly headers: Metadata } | PeerStep | { readonly trailers: Metadata }

/** One step of a stream: an item, or the failure that ended it. */
export type PeerStep = { readonly item: unknown } | { readonly failure: PeerFailure }
