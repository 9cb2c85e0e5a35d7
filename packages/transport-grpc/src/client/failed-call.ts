import { status } from '@grpc/grpc-js'
import { markNotSent } from '@tenon/core/client'
import { ServiceError } from '@tenon/core/transport'
import { fromStatus, type ReceivedStatus } from '../wire/grpc-status.ts'
import type { GrpcClientSettings } from './grpc-client-options.ts'

/** The error that a call with a deadline ends with, whoever ended it: the remote, or grpc-js without it. */
export function toCallError(
  ended: ReceivedStatus,
  { maxResponseBytes }: Pick<GrpcClientSettings, 'maxResponseBytes'>,
  deadline = Number.POSITIVE_INFINITY,
): ServiceError {
  const { code, details } = ended
  if (details === resetByRemote && Date.now() >= deadline - resetMarginMs)
    return new ServiceError('deadline_exceeded', 'the deadline passed before the call ended')
  if (code === status.RESOURCE_EXHAUSTED && isOverLimit(details, maxResponseBytes))
    return replyTooLarge(maxResponseBytes)
  if (code === status.UNAVAILABLE) {
    const reason = lossReasons.find(([start]) => details.startsWith(start))?.[1]
    if (reason) return toLoss(details, reason)
  }
  return fromStatus(ended)
}

/** An error of a call; one that only its signal cancelled names what fired that as cause. */
export function causedBy(signal: AbortSignal | undefined, error: unknown): unknown {
  if (!signal?.aborted || !ServiceError.is(error) || error.code !== 'cancelled') return error
  return new ServiceError('cancelled', 'the call was cancelled', { cause: signal.reason })
}

function toLoss(message: string, reason: (typeof lossReasons)[number][1]): ServiceError {
  const error = new ServiceError('unavailable', message, { reason })
  return reason === 'connection_failed' ? markNotSent(error) : error
}

/**
 * What grpc-js says of a stream that the remote reset with CANCEL. Servers of grpc-go do so when the time of a call is over, and their
 * timer may come before ours; clients of grpc-go tell the two apart by their clock too.
 *
 * @see @grpc/grpc-js 1.14, subchannel-call.js; grpc-go 1.83, internal/transport/http2_server.go and http2_client.go
 */
const resetByRemote = 'Call cancelled'

/** How much earlier the time may be over for the remote: it is told of it in whole milliseconds, and clocks differ. A guess. */
const resetMarginMs = 25

/**
 * How grpc-js begins what it says of a connection itself; the reasons are those of `httpClient()`.
 *
 * @see @grpc/grpc-js 1.14, load-balancer-pick-first.js, internal-channel.js, resolver-dns.js and subchannel-call.js
 */
const lossReasons = [
  ['No connection established', 'connection_failed'],
  ['Channel closed before call started', 'connection_failed'],
  ['Name resolution failed', 'connection_failed'],
  ['Failed to parse', 'connection_failed'],
  ['Connection dropped', 'connection_lost'],
] as const

/** @see @grpc/grpc-js 1.14, stream-decoder.js and compression-filter.js; a server on it says the same, of a limit of its own */
function isOverLimit(details: string, limitBytes: number): boolean {
  return details.startsWith('Received message ') && new RegExp(`\\b${limitBytes}\\)?$`).test(details)
}

/** The option is named where it is logged; callers of ours need not know it. */
function replyTooLarge(limitBytes: number): ServiceError {
  const cause = new RangeError(`grpcClient: a message is larger than the ${limitBytes} bytes of maxResponseBytes`)
  return new ServiceError('resource_exhausted', 'a message of the remote is too large', {
    reason: 'reply_too_large',
    cause,
  })
}
