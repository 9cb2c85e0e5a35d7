import { ServiceError } from '../../../error/service-error.ts'
import { requireRunning } from '../../call-bounds.ts'
import { type AttemptOnce, hedgedAttempt, type HedgeSettings } from './hedge.ts'
import { LogicalCall } from './logical-call.ts'
import { openingAttempt } from './opening-attempt.ts'
import type { Asked, PolicyParts, Stage } from '../stage.ts'
import { delayBeforeRetry, type RetrySettings } from './retry.ts'
import { pause } from '../pause.ts'

export interface Repeating {
  readonly retry: RetrySettings | undefined
  readonly hedge: HedgeSettings | undefined
}

/** Makes a call again while its policy, its budget and its deadline allow it. */
export function repeatStage({ retry, hedge }: Repeating, parts: PolicyParts): Stage {
  const { clock, after, budget } = parts
  const alone: AttemptOnce = hedge ? hedgedAttempt(hedge, parts) : attemptAlone
  const opening = openingAttempt(parts)
  return async (asked) => {
    const call = new LogicalCall(asked.call, clock)
    const once = asked.isOutputStream ? opening : alone
    budget.noteCall()
    for (;;) {
      try {
        return await once(call, asked, retry?.attemptTimeoutMs)
      } catch (error) {
        const delayMs = retry && nextDelay(error, { asked, call, retry, parts })
        if (delayMs === undefined) {
          call.giveUp()
          throw error
        }
        await pause(delayMs, { after, signals: [asked.call.signal, parts.closing] })
        requireRunning({ timeoutMs: call.leftMs(), signal: asked.call.signal })
        if (parts.closing.aborted) throw error
      }
    }
  }
}

const attemptAlone: AttemptOnce = (call, { send }, timeoutMs) => call.attempt(send, { timeoutMs })

interface Failed {
  readonly asked: Asked
  readonly call: LogicalCall
  readonly retry: RetrySettings
  readonly parts: PolicyParts
}

/** Undefined where the call is not made again. */
function nextDelay(error: unknown, { asked, call, retry, parts }: Failed): number | undefined {
  const { idempotency, name: operation } = asked.operation
  const failed = { error, idempotency, attemptCount: call.attemptCount, settings: retry }
  const delayMs = delayBeforeRetry(failed, () => parts.clock.random())
  if (delayMs === undefined || delayMs >= call.leftMs()) return undefined
  if (asked.call.signal?.aborted || parts.closing.aborted || asked.mayRepeat?.() === false) return undefined
  const isAllowed = parts.budget.spend()
  const code = ServiceError.is(error) ? error.code : undefined
  const decision = isAllowed ? 'retry' : 'retry_refused'
  parts.note({ operation, decision, code, ...(isAllowed && { delayMs }) })
  return isAllowed ? delayMs : undefined
}
