import type { Metadata } from '@grpc/grpc-js'
import type { OutgoingCall } from '@tenon/core/client'
import { ServiceError } from '@tenon/core/transport'
import { writeMetadata } from '../wire/grpc-metadata.ts'
import { proveInputEnd } from '../wire/input-end.ts'

/**
 * What goes along with a call. What was only inherited from another transport and cannot be carried is left out.
 *
 * @throws ServiceError `invalid_argument` for an entry that the caller set.
 */
export function toMetadata({ metadata, previousAttemptCount = 0 }: OutgoingCall, waitForReady: boolean): Metadata {
  const written = writeMetadata(metadata)
  if (previousAttemptCount > 0) written.metadata.set(previousAttemptsName, String(previousAttemptCount))
  if (waitForReady) written.metadata.setOptions({ waitForReady })
  const refused = written.refused.filter((name) => !inherited.has(name))
  if (refused.length === 0) return written.metadata
  const names = refused.join(', ')
  throw new ServiceError(
    'invalid_argument',
    `gRPC metadata is printable ASCII under a name of its own, or base64 where the name ends in -bin, and 8 KiB in all, unlike ${names}`,
  )
}

/** As `toMetadata`, for a call whose half-close means that its input is complete. */
export function toStreamMetadata(outgoing: OutgoingCall, waitForReady: boolean): Metadata {
  const metadata = toMetadata(outgoing, waitForReady)
  proveInputEnd(metadata)
  return metadata
}

/** @see gRFC A6, Exposed Retry Metadata: not sent with the first attempt */
const previousAttemptsName = 'grpc-previous-rpc-attempts'

const inherited: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage'])
