import type { PolicyClock } from '../policy/policy-clock.ts'
import type { Target } from '../target/target.ts'

/** Draws targets of a list, each as likely as its weight says, and less so while it warms up. */
export class WeightedDraw {
  readonly #targets: readonly Target[]
  readonly #clock: PolicyClock
  /** Of each target and those before it; undefined where all weigh the same. */
  readonly #sums: Float64Array | undefined

  constructor(targets: readonly Target[], clock: PolicyClock) {
    this.#targets = targets
    this.#clock = clock
    const isEven = targets.every(({ weight }) => weight === targets[0]?.weight)
    this.#sums = isEven ? undefined : sumsOf(targets)
  }

  draw(nowMs: number): Target | undefined {
    for (let count = 0; count < drawCount; count += 1) {
      const target = this.#targets[this.#place()]
      const warmth = target?.warmth(nowMs) ?? 1
      if (warmth === 1 || this.#clock.random() < warmth) return target
    }
    return this.#targets[this.#place()]
  }

  #place(): number {
    if (this.#sums === undefined) return Math.floor(this.#clock.random() * this.#targets.length)
    const total = this.#sums[this.#sums.length - 1] ?? 0
    return firstAbove(this.#sums, this.#clock.random() * total)
  }
}

/** Where nearly all warm up they do so together, and any will do. */
const drawCount = 16

function sumsOf(targets: readonly Target[]): Float64Array {
  const sums = new Float64Array(targets.length)
  let sum = 0
  for (const [place, { weight }] of targets.entries()) {
    sum += weight
    sums[place] = sum
  }
  return sums
}

/** The place of the first number above another in a list that grows. */
export function firstAbove(sorted: Float64Array, limit: number): number {
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((sorted[middle] ?? 0) > limit) to = middle
    else from = middle + 1
  }
  return from
}
