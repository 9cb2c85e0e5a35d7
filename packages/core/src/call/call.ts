import type { Principal } from '../contract/operation.ts'
import type { Logger } from '../telemetry/log.ts'

export type { Principal } from '../contract/operation.ts'

/**
 * Text that travels beside the input: HTTP headers, gRPC metadata, message headers. Keys are lower case; a key that ends in
 * `-bin` holds bytes, as base64.
 */
export type Metadata = Readonly<Record<string, string | undefined>>

/** What a handler knows of the call it serves. */
export interface Call {
  /** Identifies the call in logs and error replies; the caller's `x-request-id` where that is safe. */
  readonly id: string
  /** The operation's id, or `consume <topic>` for an event. */
  readonly operation: string
  /** Name of the transport that carries the call: `http`, `grpc`, `queue`. */
  readonly transport: string
  /** Fires when the caller is gone, the deadline has passed, or the service cuts off what is left at the end of its drain. */
  readonly signal: AbortSignal
  /**
   * Fires when the service begins to drain. The call goes on; a stream without an end of its own should end now, so that
   * its reader turns to another instance and the drain need not wait for its deadline.
   */
  readonly draining: AbortSignal
  /** When the call must have ended, in epoch milliseconds; undefined without a deadline. */
  readonly deadlineAt: number | undefined
  readonly metadata: Metadata
  /**
   * Address of the caller as the transport knows it, with the port of its connection where there is one: `10.0.0.7:41234`, `[::1]:41234`.
   * Of a message it is where that stands, and undefined for a call from inside the process. Behind a proxy it is the proxy's, unless `trustProxy` says otherwise.
   */
  readonly peer: string | undefined
  readonly principal: Principal | undefined
  /** 1 for the first attempt; higher when a message is delivered again. */
  readonly attempt: number
  /** Carries the call's id and operation. */
  readonly log: Logger
  /** Milliseconds left until the deadline, never below 0; Infinity without a deadline. */
  remainingMs(): number
  /**
   * Sends a header with the reply: an HTTP header, gRPC metadata; dropped on a queue. In a stream only at its beginning,
   * before it first waits or gives an item, for the head of the reply is sent at once.
   *
   * @throws TypeError for a name or value that no header may have.
   */
  setHeader(name: string, value: string): void
  /**
   * Sends metadata behind the reply, with an error too: what is known only at the end, such as a count or a cost. Names and values
   * are those of `setHeader`. gRPC: trailing metadata. HTTP: a header of a reply that answers once, a trailer field of a stream
   * whose caller sent `te: trailers`, else dropped. Dropped on a queue, and once the call has ended.
   *
   * @throws TypeError for a name or value that no header may have.
   * @see RFC 9110 section 6.5, and gRPC over HTTP/2, Trailers
   */
  setTrailer(name: string, value: string): void
}
