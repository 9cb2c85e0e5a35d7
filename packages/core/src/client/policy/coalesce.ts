import { ServiceError } from '../../error/service-error.ts'
import { requireRunning } from '../call-bounds.ts'
import { askedKey } from './asked-key.ts'
import { pause } from './pause.ts'
import type { Asked, PolicyParts, Stage } from './stage.ts'

/** Lets calls that ask for the same at the same time share one. Each ends at its own deadline and signal; the shared call goes on while somebody waits for it. */
export function coalesceStage(parts: PolicyParts, next: Stage): Stage {
  const flights = new Map<string, Flight>()
  return async (asked) => {
    const key = askedKey(asked)
    const { timeoutMs = Number.POSITIVE_INFINITY } = asked.call
    const endsAtMs = parts.clock.nowMs() + timeoutMs
    for (;;) {
      const joined = flights.get(key)
      const leftMs = Math.max(0, endsAtMs - parts.clock.nowMs())
      const call = { ...asked.call, timeoutMs: leftMs === Number.POSITIVE_INFINITY ? undefined : leftMs }
      requireRunning(call)
      const flight =
        joined ?? new Flight({ ...asked, call, key }, next, (over) => flights.get(key) === over && flights.delete(key))
      flights.set(key, flight)
      if (joined) parts.note({ operation: asked.operation.name, decision: 'coalesced' })
      try {
        return await flight.answerFor(call, parts)
      } catch (error) {
        // The time of whoever began it was shorter than that of this call.
        const isOver = joined && ServiceError.is(error) && error.code === 'deadline_exceeded'
        if (!isOver || parts.clock.nowMs() >= endsAtMs) throw error
      }
    }
  }
}

/** One call for all who ask for the same. */
class Flight {
  readonly #leaving = new AbortController()
  readonly #settled: Promise<void>
  readonly #end: (over: Flight) => void
  #outcome: { readonly answer: unknown } | { readonly error: unknown } | undefined
  #waitingCount = 0

  constructor(asked: Asked, next: Stage, end: (over: Flight) => void) {
    this.#end = end
    this.#settled = next({ ...asked, call: { ...asked.call, signal: this.#leaving.signal } }).then(
      (answer) => this.#settle({ answer }),
      (error: unknown) => this.#settle({ error }),
    )
  }

  /** @throws what the shared call fails with; ServiceError `deadline_exceeded`, `cancelled` for this one alone */
  async answerFor(
    { timeoutMs = Number.POSITIVE_INFINITY, signal }: Asked['call'],
    { clock, after }: PolicyParts,
  ): Promise<unknown> {
    const endsAtMs = clock.nowMs() + timeoutMs
    this.#waitingCount += 1
    await pause(timeoutMs, { after, signals: [signal], awaited: this.#settled })
    this.#waitingCount -= 1
    const outcome = this.#outcome
    if (outcome === undefined) {
      if (this.#waitingCount === 0) this.#leave()
      const leftMs = Math.max(0, endsAtMs - clock.nowMs())
      requireRunning({ timeoutMs: leftMs, signal })
      throw new ServiceError('deadline_exceeded', 'the deadline passed before the call ended')
    }
    if ('error' in outcome) throw outcome.error
    // Readers may change what they read.
    return structuredClone(outcome.answer)
  }

  #settle(outcome: { readonly answer: unknown } | { readonly error: unknown }): void {
    this.#outcome = outcome
    this.#end(this)
  }

  /** Whoever comes from now on begins a call of its own. */
  #leave(): void {
    this.#end(this)
    this.#leaving.abort(left)
  }
}

const left = new Error('nobody waits for the call any more')
