import type { Metadata as GrpcMetadata, StatusObject } from '@grpc/grpc-js'
import type { OutgoingCall } from '@tenon/core/client'
import { readMetadata } from '../wire/grpc-metadata.ts'
import { readTrailers } from '../wire/grpc-status.ts'

/** A call as far as what comes beside its messages goes. */
export interface TellingCall {
  once(event: 'metadata', listener: (metadata: GrpcMetadata) => void): unknown
  once(event: 'status', listener: (status: StatusObject) => void): unknown
}

/** Tells the caller of initial metadata when it comes. */
export function tellHeaders(call: TellingCall, { onHeaders }: OutgoingCall): void {
  if (onHeaders) call.once('metadata', (metadata) => onHeaders(readMetadata(metadata)))
}

/** Tells the caller of trailing metadata when the call ends, for one whose end nothing lies before. */
export function tellTrailers(call: TellingCall, { onTrailers }: OutgoingCall): void {
  if (onTrailers) call.once('status', (status) => passOn(status, onTrailers))
}

/** Keeps trailing metadata until the caller has had all items; call what is given then. */
export function keepTrailers(call: TellingCall, { onTrailers }: OutgoingCall): () => void {
  if (onTrailers === undefined) return () => undefined
  let ended: StatusObject | undefined
  call.once('status', (status) => {
    ended = status
  })
  return () => {
    if (ended) passOn(ended, onTrailers)
  }
}

function passOn(ended: StatusObject, onTrailers: NonNullable<OutgoingCall['onTrailers']>): void {
  const trailers = readTrailers(ended)
  if (Object.keys(trailers).length > 0) onTrailers(trailers)
}
