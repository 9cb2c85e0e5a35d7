import { ServiceError } from '../../../error/service-error.ts'
import { requireRunning } from '../../call-bounds.ts'
import { askedKey } from './asked-key.ts'
import { pause } from '../pause.ts'
import type { Asked, PolicyParts, Stage } from '../stage.ts'

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
      const end = (over: Flight) => flights.get(key) === over && flights.delete(key)
      const flight = joined ?? new Flight({ ...asked, call, key }, { next, endsAtMs, end })
      flights.set(key, flight)
      if (joined) parts.note({ operation: asked.operation.name, decision: 'coalesced' })
      const outcome = await flight.outcomeFor(call, parts)
      // Readers may change what they read.
      if ('answer' in outcome) return structuredClone(outcome.answer)
      const ranOut = ServiceError.is(outcome.error) && outcome.error.code === 'deadline_exceeded'
      if (!ranOut || !joined?.endedBefore(endsAtMs, parts.clock.nowMs())) throw outcome.error
    }
  }
}

type Outcome = { readonly answer: unknown } | { readonly error: unknown }

interface FlightOptions {
  readonly next: Stage
  /** Until when whoever begins it has time, on the clock of the policies. */
  readonly endsAtMs: number
  /** Makes whoever comes from now on begin a call of its own. */
  readonly end: (over: Flight) => void
}

/** One call for all who ask for the same. */
class Flight {
  readonly #leaving = new AbortController()
  readonly #settled: Promise<void>
  readonly #end: (over: Flight) => void
  readonly #endsAtMs: number
  #outcome: Outcome | undefined
  #waitingCount = 0

  constructor(asked: Asked, { next, endsAtMs, end }: FlightOptions) {
    this.#end = end
    this.#endsAtMs = endsAtMs
    this.#settled = next({ ...asked, call: { ...asked.call, signal: this.#leaving.signal } }).then(
      (answer) => this.#settle({ answer }),
      (error: unknown) => this.#settle({ error }),
    )
  }

  /** What the shared call comes to. @throws ServiceError `deadline_exceeded`, `cancelled` for this one alone */
  async outcomeFor(
    { timeoutMs = Number.POSITIVE_INFINITY, signal }: Asked['call'],
    { clock, after }: PolicyParts,
  ): Promise<Outcome> {
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
    return outcome
  }

  /** Whether the time of whoever began it is over, and was shorter than that of a call until `endsAtMs`. */
  endedBefore(endsAtMs: number, nowMs: number): boolean {
    return nowMs > this.#endsAtMs - nearMs && endsAtMs > this.#endsAtMs + nearMs
  }

  #settle(outcome: Outcome): void {
    this.#outcome = outcome
    this.#end(this)
  }

  /** Whoever comes from now on begins a call of its own. */
  #leave(): void {
    this.#end(this)
    this.#leaving.abort(left)
  }
}

/** How far from each other deadlines count as one. A guess: timers fire, and remotes are told of deadlines, to a millisecond or two. */
const nearMs = 5

const left = new Error('nobody waits for the call any more')
