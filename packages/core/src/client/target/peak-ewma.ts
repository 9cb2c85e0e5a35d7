/**
 * A mean of latencies in which what is older than some `tauMs` hardly counts. A latency above it counts at once and whole, so that an
 * instance that becomes slow is noticed with its first slow answer.
 *
 * @see Finagle, `PeakEwma`: the decay is by time and not by count
 */
export class PeakEwma {
  #ms = 0
  #observedAtMs = Number.NEGATIVE_INFINITY

  /** Undefined where nothing was observed. */
  get ms(): number | undefined {
    return this.isKnown ? this.#ms : undefined
  }

  get isKnown(): boolean {
    return this.#observedAtMs !== Number.NEGATIVE_INFINITY
  }

  /** 0 where nothing was observed. */
  get known(): number {
    return this.#ms
  }

  /** As far as it can be believed now: the older it is, the less; 0 where nothing was observed. So what was slow once is tried again. */
  at(nowMs: number): number {
    return this.#ms * Math.exp((this.#observedAtMs - nowMs) / tauMs)
  }

  observe(latencyMs: number, nowMs: number): void {
    if (latencyMs < this.#ms) {
      const weight = Math.exp((this.#observedAtMs - nowMs) / tauMs)
      this.#ms = this.#ms * weight + latencyMs * (1 - weight)
    } else this.#ms = latencyMs
    this.#observedAtMs = nowMs
  }

  /** Of an answer that was not waited for: the latency is at least so much. */
  observeAtLeast(latencyMs: number, nowMs: number): void {
    if (latencyMs > this.#ms) this.observe(latencyMs, nowMs)
  }

  /** Of a call that failed: the latency is no less than it was, and that is known anew, or one that fails fast would come to look fast. */
  observeFailure(latencyMs: number, nowMs: number): void {
    this.observe(Math.max(latencyMs, this.isKnown ? this.#ms : leastFailedMs), nowMs)
  }
}

/** What is taken for the latency of one that has failed its first call, however fast. A guess: longer than calls usually take. */
const leastFailedMs = 100

/** @see Finagle: its default is 10 s as well */
const tauMs = 10_000
