import { setImmediate } from 'node:timers/promises'
import type { PolicyClock } from '../../packages/core/src/client/policy/policy-clock.ts'
import type { PolicyTimer } from '../../packages/core/src/client/policy/policy-timer.ts'

interface Due {
  readonly atMs: number
  readonly order: number
  /** Undefined where it was taken back. */
  run: (() => void) | undefined
}

/** Time that passes from one event to the next, and chance that is the same for the same seed. */
export class SimulatedTime implements PolicyClock {
  /** What is due in the millisecond that goes on, or was due before it. */
  readonly #heap: Due[] = []
  /** What is due later, by milliseconds. */
  readonly #later = new Map<number, Due[]>()
  #millisecond = 0
  #nowMs = 0
  #orderCount = 0
  #seed: number
  #isSettled = true
  /** For code that waits for promises. */
  readonly timer: PolicyTimer = (delayMs, run) =>
    this.after(delayMs, () => {
      this.hasSettled()
      run()
    })

  /** @param seed Not 0. */
  constructor(seed: number) {
    this.#seed = seed
  }

  nowMs(): number {
    return this.#nowMs
  }

  /** @see Marsaglia, "Xorshift RNGs" */
  random(): number {
    this.#seed ^= this.#seed << 13
    this.#seed ^= this.#seed >>> 17
    this.#seed ^= this.#seed << 5
    return (this.#seed >>> 0) / 2 ** 32
  }

  /** A time between two events that do not know of each other. */
  exponential(meanMs: number): number {
    return -Math.log(1 - this.random()) * meanMs
  }

  /** Lets something happen; two of one moment happen in the order in which they were asked for. What it gives takes it back. */
  after(waitMs: number, run: () => void): () => void {
    this.#orderCount += 1
    const due: Due = { atMs: this.#nowMs + waitMs, order: this.#orderCount, run }
    const millisecond = Math.floor(due.atMs)
    const later = this.#later.get(millisecond)
    if (millisecond <= this.#millisecond) push(this.#heap, due)
    else if (later === undefined) this.#later.set(millisecond, [due])
    else later.push(due)
    return () => void (due.run = undefined)
  }

  /** What waits for a promise goes on before the next event. To be called by whoever settles one. */
  hasSettled(): void {
    this.#isSettled = false
  }

  /** Lets everything happen that is due until then. */
  async runUntil(endMs: number): Promise<void> {
    for (;;) {
      const due = this.#heap[0]
      if (due !== undefined && due.atMs > endMs) break
      if (due === undefined) {
        if (this.#millisecond >= endMs) break
        this.#beginNextMillisecond()
        continue
      }
      pop(this.#heap)
      this.#nowMs = due.atMs
      due.run?.()
      if (this.#isSettled) continue
      this.#isSettled = true
      await setImmediate()
    }
    this.#nowMs = endMs
  }

  #beginNextMillisecond(): void {
    this.#millisecond += 1
    for (const due of this.#later.get(this.#millisecond) ?? []) if (due.run !== undefined) push(this.#heap, due)
    this.#later.delete(this.#millisecond)
  }
}

function isBefore(one: Due, other: Due): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order)
}

/** @see "binary heap" */
function push(heap: Due[], due: Due): void {
  let place = heap.length
  heap.push(due)
  while (place > 0) {
    const above = (place - 1) >>> 1
    const parent = heap[above]
    if (parent === undefined || !isBefore(due, parent)) break
    heap[place] = parent
    place = above
  }
  heap[place] = due
}

function pop(heap: Due[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let place = 0
  for (;;) {
    const left = 2 * place + 1
    const [one, other] = [heap[left], heap[left + 1]]
    if (one === undefined) break
    const [below, child] = other !== undefined && isBefore(other, one) ? [left + 1, other] : [left, one]
    if (!isBefore(child, last)) break
    heap[place] = child
    place = below
  }
  heap[place] = last
}
