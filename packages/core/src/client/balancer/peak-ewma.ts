import type { Target } from '../target/target.ts'
import { type Balancer, type Choice, firstOpen, type Load, type Picker } from './balancer.ts'
import { WeightedDraw } from './weighted-draw.ts'

/**
 * Of two that are drawn, the one at which a call has the shorter wait before it: by its newest latencies, by the calls that it has, by how
 * many failed, by weight. A latency counts the less the older it is, so that what was slow is tried again.
 */
export function peakEwma(): Balancer {
  return Object.freeze({
    name: 'peakEwma',
    over: (targets: readonly Target[], load: Load) => new PeakEwmaPicker(targets, load),
  })
}

class PeakEwmaPicker implements Picker {
  readonly #targets: readonly Target[]
  readonly #draw: WeightedDraw
  readonly #load: Load

  constructor(targets: readonly Target[], load: Load) {
    this.#targets = targets
    this.#load = load
    this.#draw = new WeightedDraw(targets, load.clock)
  }

  pick(choice: Choice, nowMs: number): Target | undefined {
    const one = this.#drawOpen(choice, nowMs)
    if (one === undefined) return this.#anyOpen(choice)
    const other = this.#drawOpen(choice, nowMs, one)
    if (other === undefined) return one
    return isLess(other, one, nowMs) ? other : one
  }

  #drawOpen(choice: Choice, nowMs: number, besides?: Target): Target | undefined {
    for (let draw = 0; draw < drawCount; draw += 1) {
      const target = this.#draw.draw(nowMs)
      if (target !== undefined && target !== besides && choice.isOpen(target)) return target
    }
    return undefined
  }

  #anyOpen(choice: Choice): Target | undefined {
    return firstOpen(this.#targets, Math.floor(this.#load.clock.random() * this.#targets.length), choice)
  }
}

/** Whether a call has clearly less to wait for, or, where that is much the same, fewer calls beside it. */
function isLess(one: Target, other: Target, nowMs: number): boolean {
  const [mine, theirs] = [waitOf(one, nowMs), waitOf(other, nowMs)]
  const [load, theirLoad] = [loadOf(one), loadOf(other)]
  const [cost, theirCost] = [mine * (load + 1), theirs * (theirLoad + 1)]
  if (mine * alike < theirs || theirs * alike < mine) return cost < theirCost
  return load < theirLoad
}

function loadOf({ runningCount, weight }: Target): number {
  return runningCount / weight
}

/** How long a call may take there. One that has not answered yet is given one call, and the next when that is over. */
function waitOf({ latency, successRatio, runningCount, streamCount }: Target, nowMs: number): number {
  const isAwaited = runningCount > streamCount
  if (!latency.isKnown) return isAwaited ? unknownMs : 0
  // What runs there has not answered yet: nothing says that it is faster now.
  const latencyMs = isAwaited ? latency.known : latency.at(nowMs)
  return latencyMs / Math.max(successRatio * successRatio, leastSuccess)
}

/** As many draws find one that is open, unless hardly any is: then all are looked at. */
const drawCount = 6
/** Latencies within this factor are the same: chance alone makes such differences, and calls would swing between the two. A guess. */
const alike = 2
/** Longer than calls take, as nothing is known. */
const unknownMs = 60_000
/** Of one that fails all: it is tried again some 40 s later. */
const leastSuccess = 0.01
