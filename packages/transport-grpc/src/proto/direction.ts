import type { OperationKind } from '@tenon/core/contract'

/** Which way a method has any number of messages. */
export interface Directions {
  readonly requestStream: boolean
  readonly responseStream: boolean
}

/** The directions of each kind of operation. */
export const directionsOf = {
  unary: { requestStream: false, responseStream: false },
  client_stream: { requestStream: true, responseStream: false },
  server_stream: { requestStream: false, responseStream: true },
  bidi_stream: { requestStream: true, responseStream: true },
} as const satisfies Record<OperationKind, Directions>
