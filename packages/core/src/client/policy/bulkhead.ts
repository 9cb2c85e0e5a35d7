import type { Limiter, Ticket } from '../../call/rule/limiter.ts'
import type { OptionCheck } from '../../error/option-check.ts'
import { ServiceError } from '../../error/service-error.ts'
import type { SetupProblem } from '../../error/setup-error.ts'
import { requireRunning } from '../call-bounds.ts'
import { markNotSent } from '../not-sent.ts'
import { pause } from './pause.ts'
import type { Asked, PolicyParts, Stage } from './stage.ts'

/** How many calls there may be at a time, so that a remote that is slow does not take the whole of its caller with it. */
export interface BulkheadPolicy {
  /** Most calls that run, with all their attempts; a stream runs until it is read to its end. @remarks Range 1–100_000 */
  readonly maxRunning: number
  /** Most calls that wait for one of these places, within their own time. @defaultValue 0 @remarks Range 0–100_000 */
  readonly maxWaiting?: number
}

export type BulkheadSettings = Required<BulkheadPolicy>

export function resolveBulkhead({ maxRunning, maxWaiting = 0 }: BulkheadPolicy): BulkheadSettings {
  return Object.freeze({ maxRunning, maxWaiting })
}

/** @param where `policy.bulkhead` */
export function checkBulkhead(check: OptionCheck, where: string, bulkhead: BulkheadPolicy): readonly SetupProblem[] {
  const { maxRunning, maxWaiting } = bulkhead
  return [
    ...check.names(bulkhead, ['maxRunning', 'maxWaiting'], where),
    ...check.integer(`${where}.maxRunning`, maxRunning ?? null, { min: 1, max: 100_000 }),
    ...check.integer(`${where}.maxWaiting`, maxWaiting, { min: 0, max: 100_000 }),
  ]
}

/** Lets calls through while there is a place for them. Those that share a limiter share its places. */
export function bulkheadStage(limiter: Limiter, parts: PolicyParts, next: Stage): Stage {
  return async (asked) => {
    const ticket = enter(limiter, parts, asked)
    try {
      const call = ticket.isGranted ? asked.call : await placeOf(ticket, parts, asked)
      const answer = await next({ ...asked, call })
      if (asked.onEnd) asked.onEnd(() => ticket.release())
      else ticket.release()
      return answer
    } catch (error) {
      ticket.release()
      throw error
    }
  }
}

function enter(limiter: Limiter, { contract, note }: PolicyParts, { operation }: Asked): Ticket {
  try {
    return limiter.enter(false)
  } catch (cause) {
    note({ operation: operation.name, decision: 'bulkhead_refused' })
    const message = `as many calls of ${contract} run and wait as may be`
    throw markNotSent(new ServiceError('resource_exhausted', message, { reason: 'bulkhead_full', cause }))
  }
}

/** Waits for a place, and gives the call as it is then. @throws ServiceError `deadline_exceeded`, `cancelled`; `unavailable` where the client is closed */
async function placeOf(
  ticket: Ticket,
  { clock, after, closing }: PolicyParts,
  { call }: Asked,
): Promise<Asked['call']> {
  const { timeoutMs = Number.POSITIVE_INFINITY, signal } = call
  const endsAtMs = clock.nowMs() + timeoutMs
  await pause(timeoutMs, { after, signals: [signal, closing], awaited: ticket.granted })
  const leftMs = Math.max(0, endsAtMs - clock.nowMs())
  const left = { ...call, timeoutMs: leftMs === Number.POSITIVE_INFINITY ? undefined : leftMs }
  requireRunning(left)
  if (closing.aborted) throw markNotSent(new ServiceError('unavailable', 'the client is closed'))
  // A timer of Node may fire a little early, which leaves time but gives no place.
  if (!ticket.isGranted) throw new ServiceError('deadline_exceeded', 'the deadline passed before there was a place')
  return left
}
