import type { X509Certificate } from 'node:crypto'
import type { Metadata, Principal } from './call.ts'
import type { ServiceError } from '../error/service-error.ts'
import type { ObservedArrival } from '../telemetry/observed-arrival.ts'

/** A call as it came in over a wire, its input not decoded yet. */
export interface Arrival extends ObservedArrival {
  readonly metadata: Metadata
  /** Address of the caller, for logs. */
  readonly peer?: string | undefined
  /**
   * The certificate that whoever is at the other end of the connection has shown, once it has been checked; undefined where none was asked
   * for or shown, and for one that was let in unchecked. A getter may read it then: it is asked for by authenticators only.
   */
  readonly certificate?: X509Certificate | undefined
  /** 1, or the number of the delivery for a message that came before. */
  readonly attempt?: number
  /**
   * Whether the source is trusted by configuration, as a topic is, so that access rules about the caller do not apply.
   *
   * @defaultValue false
   */
  readonly isTrusted?: boolean
  /**
   * Whether it was accepted before, as a message is that stands in a queue. While transports finish what they have accepted,
   * a drain lets such work in, and nothing else.
   *
   * @defaultValue false
   */
  readonly isAccepted?: boolean
  /** Who calls, where the transport itself knows, as a transport for tests does; then nobody else is asked. */
  readonly principal?: Principal | undefined
  /** How long the caller is willing to wait from now on; undefined when it did not say. */
  readonly timeoutMs?: number | undefined
  /**
   * Fires when the caller is gone. Read at most once a call, and only if the handler asks for its signal, so a getter
   * may create it then; it must be aborted already if the caller left before.
   */
  readonly signal?: AbortSignal | undefined
  /**
   * The input as plain data; for an input stream an `AsyncIterable` of such items, whose source is closed by `return()`. Called
   * at most once, after access was granted.
   *
   * @throws ServiceError `invalid_argument` for bytes that cannot be decoded.
   */
  decode(): unknown
  /**
   * Told once, when nothing of the call runs any more. That is after its outcome where a handler goes on though its time is over.
   * Not told of a call that was refused before anything of it ran.
   */
  ended?(): void
}

/** What has come of a call before its input has. */
export interface ArrivalHead {
  /** The transport's name. */
  readonly transport: string
  /** The value of a name; undefined where the caller did not send it. */
  metadata(name: string): string | undefined
}

/** What a call came to. */
export type Outcome = Success | Failure

export interface Success {
  readonly ok: true
  /** The output; for a stream an `AsyncIterable` whose steps throw only `ServiceError`. */
  readonly value: unknown
  /** Made when it is read: only an error at the end of a stream needs it. */
  readonly callId: string
  /** Reply headers the handler set, lower-case names. */
  readonly headers: Readonly<Record<string, string>> | undefined
  /** What the handler wants told behind the reply, as `headers`. To be read when the output is out: of a stream, after its end. */
  readonly trailers?: Readonly<Record<string, string>> | undefined
}

export interface Failure {
  readonly ok: false
  readonly error: ServiceError
  /** The call's id, for the error reply. */
  readonly callId: string
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly trailers?: Readonly<Record<string, string>> | undefined
  /** Whether the call of a batch failed, and its handler said nothing of this message: nobody knows whose fault it is. @defaultValue false */
  readonly isOfBatch?: boolean
}
