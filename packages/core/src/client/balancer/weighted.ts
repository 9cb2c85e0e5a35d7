import type { Target } from '../target/target.ts'
import type { Balancer, Choice, Load, Picker } from './balancer.ts'

/** Each in turn, as often as its weight says; one that warms up less often. */
export function weighted(): Balancer {
  return Object.freeze({
    name: 'weighted',
    over: (targets: readonly Target[], load: Load) => new Weighted(targets, load),
  })
}

/**
 * Goes around the list, and at each target adds to its credit the part that its weight has of the largest. Who has a whole call to
 * its credit gets it.
 */
class Weighted implements Picker {
  readonly #targets: readonly Target[]
  readonly #credits: Float64Array
  readonly #largest: number
  #turn: number

  constructor(targets: readonly Target[], { clock }: Load) {
    this.#targets = targets
    this.#turn = Math.floor(clock.random() * targets.length)
    this.#credits = new Float64Array(targets.length)
    this.#largest = targets.reduce((largest, { weight }) => Math.max(largest, weight), 0)
  }

  pick(choice: Choice, nowMs: number): Target | undefined {
    const { length } = this.#targets
    let [closedCount, passedCount] = [0, 0]
    while (closedCount < length) {
      if (passedCount === length) {
        this.#skipRounds(choice, nowMs)
        passedCount = 0
      }
      passedCount += 1
      const place = this.#turn
      const target = this.#targets[place]
      this.#turn = (place + 1) % length
      if (target === undefined || !choice.isOpen(target)) {
        closedCount += 1
        continue
      }
      closedCount = 0
      const credit = (this.#credits[place] ?? 0) + this.#partOf(target, nowMs)
      this.#credits[place] = credit < 1 ? credit : credit - 1
      if (credit >= 1) return target
    }
    return undefined
  }

  /** Goes around as often at once as nobody would have a whole call: where those with much weight are closed, that is often. */
  #skipRounds(choice: Choice, nowMs: number): void {
    const open = [...this.#targets.entries()].filter(([, target]) => choice.isOpen(target))
    const missing = open.map(([place, target]) => (1 - (this.#credits[place] ?? 0)) / this.#partOf(target, nowMs))
    const roundCount =
      Math.ceil(missing.reduce((least, rounds) => Math.min(least, rounds), Number.POSITIVE_INFINITY)) - 1
    if (roundCount <= 0) return
    for (const [place, target] of open)
      this.#credits[place] = (this.#credits[place] ?? 0) + roundCount * this.#partOf(target, nowMs)
  }

  #partOf(target: Target, nowMs: number): number {
    return (target.weight * target.warmth(nowMs)) / this.#largest
  }
}
