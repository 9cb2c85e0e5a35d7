import { toFound } from '../../../error/given-value.ts'
import type { OptionCheck } from '../../../error/option-check.ts'
import type { SetupProblem } from '../../../error/setup-error.ts'
import { outrun } from '../../target/outcome.ts'
import type { LogicalCall } from './logical-call.ts'
import { RecentLatency } from './recent-latency.ts'
import { isFinal } from './retry.ts'
import type { Asked, PolicyParts } from '../stage.ts'

/** When a second attempt goes out beside one that takes long. */
export interface HedgePolicy {
  /**
   * How long the first attempt has for itself.
   *
   * @defaultValue what `percentile` of the last 1_000 calls of the operation stayed below; no hedge before 100 calls are known
   * @remarks Range 1–60_000 ms
   */
  readonly delayMs?: number
  /**
   * Which share of the calls is to be done without a hedge; only without `delayMs`.
   *
   * @defaultValue 0.95
   * @remarks Range 0.5–0.999
   * @see Dean and Barroso, The Tail at Scale: hedged requests after the 95th percentile
   */
  readonly percentile?: number
}

export interface HedgeSettings {
  readonly delayMs: number | undefined
  readonly percentile: number
}

export function resolveHedge({ delayMs, percentile = 0.95 }: HedgePolicy): HedgeSettings {
  return Object.freeze({ delayMs, percentile })
}

/** @param where `policy.hedge` */
export function checkHedge(check: OptionCheck, where: string, hedge: HedgePolicy): readonly SetupProblem[] {
  const { delayMs, percentile } = hedge
  const isShare =
    percentile === undefined || (typeof percentile === 'number' && percentile >= 0.5 && percentile <= 0.999)
  const isDouble = delayMs !== undefined && percentile !== undefined
  return [
    ...check.names(hedge, ['delayMs', 'percentile'], where),
    ...check.integer(`${where}.delayMs`, delayMs, { min: 1, max: 60_000 }),
    ...(isShare
      ? []
      : [check.outOfRange(`${where}.percentile must be from 0.5 to 0.999, found ${toFound(percentile)}`)]),
    ...(isDouble ? [check.malformed(`${where} has a delayMs or a percentile, found both`)] : []),
  ]
}

/** Makes one attempt of a call, and another beside it where the first takes long. */
export type AttemptOnce = (call: LogicalCall, asked: Asked, timeoutMs: number | undefined) => Promise<unknown>

/** The first answer is the call's, and the other attempt is cancelled. A failure that another attempt may be spared waits for it. */
export function hedgedAttempt({ delayMs, percentile }: HedgeSettings, parts: PolicyParts): AttemptOnce {
  const { clock } = parts
  const latency = new RecentLatency(percentile)
  return async (call, asked, timeoutMs) => {
    const beganAtMs = clock.nowMs()
    const race = new Race(call, { asked, timeoutMs, parts })
    const answer = await race.run(delayMs ?? latency.belowMs)
    // Of a first attempt that lost, this is less than what it would have taken, and still more than most.
    latency.add(clock.nowMs() - beganAtMs)
    return answer
  }
}

interface RaceOptions {
  readonly asked: Asked
  readonly timeoutMs: number | undefined
  readonly parts: PolicyParts
}

class Race {
  readonly #call: LogicalCall
  readonly #options: RaceOptions
  readonly #outcome = Promise.withResolvers<unknown>()
  /** By what ends it: why it is given up when the call has its answer. */
  readonly #running = new Map<AbortController, Error>()
  #hasEnded = false

  constructor(call: LogicalCall, options: RaceOptions) {
    this.#call = call
    this.#options = options
  }

  async run(delayMs: number | undefined): Promise<unknown> {
    const { after } = this.#options.parts
    this.#begin(false)
    const stop = delayMs === undefined ? undefined : after(delayMs, () => this.#hedge())
    try {
      return await this.#outcome.promise
    } finally {
      stop?.()
      for (const [leaving, reason] of this.#running) leaving.abort(reason)
    }
  }

  #hedge(): void {
    const { asked, parts } = this.#options
    if (!parts.budget.spend()) return
    parts.note({ operation: asked.operation.name, decision: 'hedge' })
    this.#begin(true)
  }

  #begin(isHedge: boolean): void {
    const { asked, timeoutMs, parts } = this.#options
    const leaving = new AbortController()
    const signal = asked.call.signal ? AbortSignal.any([asked.call.signal, leaving.signal]) : leaving.signal
    this.#running.set(leaving, isHedge ? lost : outrun)
    this.#call.attempt(asked.send, { timeoutMs, signal, isHedge }).then(
      (answer) => {
        this.#running.delete(leaving)
        if (isHedge && !this.#hasEnded) parts.note({ operation: asked.operation.name, decision: 'hedge_won' })
        this.#end(() => this.#outcome.resolve(answer))
      },
      (error: unknown) => {
        this.#running.delete(leaving)
        if (this.#running.size === 0 || isFinal(error)) this.#end(() => this.#outcome.reject(error))
      },
    )
  }

  /** What comes after the first end changes nothing. */
  #end(settle: () => void): void {
    this.#hasEnded = true
    settle()
  }
}

/** Says nothing of who had it: it began later. */
const lost = new Error('an earlier attempt of the call was faster')
