import { ServiceError } from '@tenon/core/transport'

/** @throws ServiceError `cancelled` when the signal has fired */
export function requireGoingOn(signal: AbortSignal): void {
  if (signal.aborted) throw new ServiceError('cancelled', 'the caller gave up')
}
