/** Something that is sent again and again. Never rejects. */
export interface Lane {
  /** Operation's id, or topic. */
  readonly id: string
  send(): Promise<void>
}

/** How often arrivals are looked at, in milliseconds: more than one may be due. */
const tickMs = 10

/**
 * Sends at a fixed rate, whatever becomes of what was sent before: callers of a service do not wait for one another either. The
 * lanes take turns.
 */
export class OpenLoad {
  readonly #lanes: readonly Lane[]
  readonly #perSecond: number
  readonly #running = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #beganAtMs = 0
  #arrivalCount = 0

  constructor(lanes: readonly Lane[], perSecond: number) {
    this.#lanes = lanes
    this.#perSecond = perSecond
  }

  start(): void {
    this.#beganAtMs = performance.now()
    this.#timer = setInterval(() => this.#sendDue(), tickMs)
  }

  /** Sends no more, and waits until all that was sent has come to an end. */
  async finish(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#running)
  }

  #sendDue(): void {
    const dueCount = Math.floor(((performance.now() - this.#beganAtMs) / 1_000) * this.#perSecond)
    while (this.#arrivalCount < dueCount) {
      const lane = this.#lanes[this.#arrivalCount++ % this.#lanes.length]
      if (lane === undefined) return
      const sending = lane.send().finally(() => this.#running.delete(sending))
      this.#running.add(sending)
    }
  }
}
