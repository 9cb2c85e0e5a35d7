export interface AttemptLimits {
  /** How many attempts a name has in one window. */
  readonly maxCount: number
  /** How long a window lasts, from its first attempt. Attempts beyond the last do not make it longer. */
  readonly windowMs: number
  /** How many names are remembered; the oldest window is forgotten for one more. */
  readonly maxNameCount: number
}

interface Window {
  count: number
  readonly endsAt: number
}

/** Counts attempts by name in windows of time, in bounded memory. */
export class AttemptCounter {
  readonly #limits: AttemptLimits
  readonly #now: () => number
  /** In the order of their ends, as all are equally long. */
  readonly #windows = new Map<string, Window>()

  constructor(limits: AttemptLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  /** How long a name must wait until it has an attempt again, in milliseconds; 0 where it has one now. */
  waitMs(name: string): number {
    const window = this.#current(name)
    return window === undefined || window.count < this.#limits.maxCount ? 0 : window.endsAt - this.#now()
  }

  /** Takes an attempt. */
  count(name: string): void {
    const window = this.#current(name)
    if (window) window.count += 1
    else this.#open(name)
  }

  /** Gives an attempt back. */
  giveBack(name: string): void {
    const window = this.#current(name)
    if (window && window.count > 0) window.count -= 1
  }

  forget(name: string): void {
    this.#windows.delete(name)
  }

  #open(name: string): void {
    const { windowMs, maxNameCount } = this.#limits
    const [oldest] = this.#windows.keys()
    if (this.#windows.size >= maxNameCount && oldest !== undefined) this.#windows.delete(oldest)
    this.#windows.set(name, { count: 1, endsAt: this.#now() + windowMs })
  }

  #current(name: string): Window | undefined {
    const window = this.#windows.get(name)
    if (window === undefined || window.endsAt > this.#now()) return window
    this.#windows.delete(name)
    return undefined
  }
}
