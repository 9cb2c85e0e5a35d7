import type { ServiceError } from '@tenon/core/transport'
import { cancelledBy } from './publish-error.ts'

/** What ends the publishing of a message. */
export interface PublishBound {
  /** On the clock of `performance.now()`. */
  readonly endsAtMs: number
  /** Whether that is the end of the running call, which is sooner than the publisher's own. */
  readonly isDeadline: boolean
  readonly signal: AbortSignal | undefined
}

/** How much time is left; below 0 when it is over. */
export function leftMs({ endsAtMs }: PublishBound): number {
  return endsAtMs - performance.now()
}

/**
 * Waits for the end, until it is told to stop.
 *
 * @param end Called once, with the error of what came first: the signal, or the time.
 */
export function untilEnd(
  bound: PublishBound,
  timeUp: () => ServiceError,
  end: (error: ServiceError) => void,
): () => void {
  const { signal } = bound
  const timer = setTimeout(() => stopThen(timeUp()), leftMs(bound))
  const onAbort = () => signal && stopThen(cancelledBy(signal))
  const stop = () => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
  const stopThen = (error: ServiceError) => {
    stop()
    end(error)
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted) onAbort()
  return stop
}
