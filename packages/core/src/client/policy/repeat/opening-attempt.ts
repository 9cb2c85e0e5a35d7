import { ServiceError } from '../../../error/service-error.ts'
import type { AttemptOnce } from './hedge.ts'
import type { PolicyParts } from '../stage.ts'

/**
 * Makes one attempt of a call with an output stream. Its time is for the first item alone: behind that a stream lasts as long as there are
 * items.
 */
export function openingAttempt({ after }: Pick<PolicyParts, 'after'>): AttemptOnce {
  return async (call, { send }, timeoutMs) => {
    if (timeoutMs === undefined) return await call.attempt(send)
    const leaving = new AbortController()
    const late = new ServiceError('deadline_exceeded', 'the first item did not come in the time of an attempt')
    const stop = after(timeoutMs, () => leaving.abort(late))
    const signal = call.signal ? AbortSignal.any([call.signal, leaving.signal]) : leaving.signal
    try {
      return await call.attempt(send, { signal })
    } catch (error) {
      // Who was first decides: the caller may have left before.
      throw signal.reason === late ? late : error
    } finally {
      stop()
    }
  }
}
