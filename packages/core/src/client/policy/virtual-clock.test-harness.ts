import type { PolicyClock } from './policy-clock.ts'

/** Time that passes when it is told to, and chance that is always the same. */
export class VirtualClock implements PolicyClock {
  current = 0
  chance = 0.5
  /** By how much timers fire before their time, as those of Node may: it drops fractions of a millisecond. */
  earlyMs = 0
  #timers: { readonly at: number; readonly run: () => void }[] = []

  nowMs(): number {
    return this.current
  }

  random(): number {
    return this.chance
  }

  readonly after = (delayMs: number, run: () => void): (() => void) => {
    const timer = { at: this.current + Math.max(0, delayMs - this.earlyMs), run }
    this.#timers.push(timer)
    return () => void (this.#timers = this.#timers.filter((one) => one !== timer))
  }

  /** When the next timer is due, from now on; undefined where there is none. */
  get nextInMs(): number | undefined {
    const due = this.#timers.map(({ at }) => at)
    return due.length === 0 ? undefined : Math.min(...due) - this.current
  }

  /** Lets time pass, timer by timer, and whatever they set off run to its next wait. */
  async pass(ms: number): Promise<void> {
    const until = this.current + ms
    await settled()
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= until).toSorted((one, other) => one.at - other.at)
      if (next === undefined) break
      this.#timers = this.#timers.filter((one) => one !== next)
      this.current = next.at
      next.run()
      await settled()
    }
    this.current = until
  }
}

/** All that can go on without time passing has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
