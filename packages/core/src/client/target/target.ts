import type { ClientChannel } from '../client-transport.ts'
import type { Breaker } from '../policy/breaker/breaker.ts'
import type { Outcome } from './outcome.ts'
import { PeakEwma } from './peak-ewma.ts'

/** What a registry says of an address. */
export interface TargetFacts {
  readonly zone?: string | undefined
  /** Its share of the calls, above 0. @defaultValue 1 */
  readonly weight?: number | undefined
}

/** One address of a service, and what this process knows of it from its own calls. */
export class Target {
  readonly address: string
  readonly channel: ClientChannel
  zone: string | undefined
  weight = 1
  /** Calls that this process has sent it and that are not over. */
  runningCount = 0
  /** Of these, the ones that last as long as there are items, and tell nothing of its speed. */
  streamCount = 0
  latency = new PeakEwma()
  /** The part of the newest calls that did not fail, 0–1. */
  successRatio = 1
  /** Until when it is given no calls while others can take them. */
  ejectedUntilMs: number | undefined
  /** Says which calls are better given to another; undefined where each is taken. */
  breaker: Breaker | undefined
  #idle: PromiseWithResolvers<void> | undefined
  #warmsFromMs = Number.NEGATIVE_INFINITY
  #warmsUntilMs = Number.NEGATIVE_INFINITY

  constructor(address: string, channel: ClientChannel, facts: TargetFacts = {}) {
    this.address = address
    this.channel = channel
    this.take(facts)
  }

  /** What is known of it by now. */
  take({ zone, weight = 1 }: TargetFacts): void {
    this.zone = zone
    // Where those are called that want no calls, they are called alike.
    this.weight = weight > 0 ? weight : 1
  }

  /** Lets it be given few calls at first: caches and compilers are cold. */
  warmUp(nowMs: number, warmUpMs: number): void {
    this.#warmsFromMs = nowMs
    this.#warmsUntilMs = nowMs + warmUpMs
  }

  /** The part of its weight that it is given now, above 0 and up to 1. */
  warmth(nowMs: number): number {
    if (nowMs >= this.#warmsUntilMs) return 1
    return Math.max(leastWarmth, (nowMs - this.#warmsFromMs) / (this.#warmsUntilMs - this.#warmsFromMs))
  }

  /** What its calls have shown says nothing any more. */
  forget(): void {
    this.latency = new PeakEwma()
    this.successRatio = 1
  }

  /** Resolves when no call runs on it. */
  whenIdle(): Promise<void> {
    if (this.runningCount === 0) return Promise.resolve()
    this.#idle ??= Promise.withResolvers()
    return this.#idle.promise
  }

  begin(): void {
    this.runningCount += 1
  }

  /** How fast it answered. A failure that came quickly says nothing good of it. */
  answered(outcome: Outcome, latencyMs: number, nowMs: number): void {
    if (outcome === 'answered') this.latency.observe(latencyMs, nowMs)
    else if (outcome === 'failed' || outcome === 'overloaded') this.latency.observeFailure(latencyMs, nowMs)
    else this.latency.observeAtLeast(latencyMs, nowMs)
  }

  end(outcome: Outcome, nowMs: number): void {
    this.runningCount -= 1
    if (this.runningCount === 0) this.#wasIdle()
    if (outcome === 'left') return
    if (outcome === 'answered') this.breaker?.noteTaken(nowMs)
    else this.breaker?.noteFailed(nowMs)
    const target = outcome === 'answered' ? 1 : 0
    this.successRatio += (target - this.successRatio) * successStep
  }

  #wasIdle(): void {
    this.#idle?.resolve()
    this.#idle = undefined
  }
}

/** As the least part of Envoy's slow start: with none it would never be tried. */
const leastWarmth = 0.1

/** What one call counts among those before it. A guess: half of the ratio is of the last 3 calls. */
const successStep = 0.2
