import type { ContractInfo } from '../contract/contract.ts'
import type { Operation } from '../contract/operation.ts'

/**
 * A way for calls to go out. It translates between the client and a wire and decides nothing else: validation, deadline
 * and metadata are settled before it is asked.
 */
export interface ClientTransport {
  /** `grpc`, `http`. */
  readonly name: string
  /**
   * Opens a channel to one address of a service that offers the contract. Connects lazily: an unreachable address is no
   * error here, but `unavailable` in the calls.
   *
   * @throws ConfigError or ContractError when address or contract cannot be used.
   */
  open(target: ClientTarget): ClientChannel
}

export interface ClientTarget {
  readonly contract: ContractInfo
  /** `host:port` */
  readonly address: string
}

/** A connection, or a pool of them, to one address. */
export interface ClientChannel {
  /** @throws ServiceError with what the remote said, or `unavailable`, `deadline_exceeded`, `cancelled`. */
  unary(operation: Operation, input: unknown, call: OutgoingCall): Promise<unknown>
  /** The steps throw as `unary` does. Leaving the loop cancels the call. */
  serverStream(operation: Operation, input: unknown, call: OutgoingCall): AsyncIterable<unknown>
  /** Sends the items as fast as the remote takes them; returns their iterator when the call is over, whoever ended it. */
  clientStream(operation: Operation, inputs: AsyncIterable<unknown>, call: OutgoingCall): Promise<unknown>
  /** Both directions at once. Leaving the loop cancels the call. */
  bidiStream(operation: Operation, inputs: AsyncIterable<unknown>, call: OutgoingCall): AsyncIterable<unknown>
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
}
