import { ServiceError, unlessAborted } from '@tenon/core/transport'
import { wait } from '../../wait.ts'
import { type MemoryFaults, type MemoryFaultSettings, resolveMemoryFaults } from './memory-faults.ts'

/** Carries out what members ask of their broker, as well or badly as its faults say. */
export class MemoryRequests {
  readonly #faults: MemoryFaultSettings
  readonly #isFaultless: boolean
  readonly #random: () => number
  /** Resolves when a stopped broker is back. */
  #back: PromiseWithResolvers<void> | undefined

  /** @throws ConfigError `config.malformed`, `config.out_of_range` */
  constructor(faults: MemoryFaults | undefined) {
    this.#faults = resolveMemoryFaults(faults)
    const { produceFailureRatio, commitFailureRatio, maxLatencyMs } = this.#faults
    this.#isFaultless = produceFailureRatio === 0 && commitFailureRatio === 0 && maxLatencyMs === 0
    this.#random = randomOf(this.#faults.seed)
  }

  /** Whether every request is carried out at once. */
  get isIdeal(): boolean {
    return this.#isFaultless && this.#back === undefined
  }

  get isStopped(): boolean {
    return this.#back !== undefined
  }

  stop(): void {
    this.#back ??= Promise.withResolvers()
  }

  start(): void {
    this.#back?.resolve()
    this.#back = undefined
  }

  /** What the work comes to, unless it is to fail. Never begins once the signal has fired. @throws ServiceError `unavailable` */
  async carryOut<T>(kind: 'produce' | 'commit', work: () => T, over: AbortSignal): Promise<T> {
    await this.answering(over)
    if (over.aborted) throw unanswered()
    const failureRatio = kind === 'produce' ? this.#faults.produceFailureRatio : this.#faults.commitFailureRatio
    const chance = failureRatio === 0 ? 1 : this.#random()
    if (chance < failureRatio / 2) throw unanswered()
    const value = work()
    if (chance < failureRatio) throw unanswered()
    return value
  }

  /** Resolves when an answer comes, or when the signal fires. */
  async answering(signal: AbortSignal): Promise<void> {
    const { maxLatencyMs } = this.#faults
    if (maxLatencyMs > 0) await wait(Math.ceil(this.#random() * maxLatencyMs), signal)
    while (this.#back && !signal.aborted) await unlessAborted(this.#back.promise, signal)
  }
}

function unanswered(): ServiceError {
  return new ServiceError('unavailable', 'the memory broker did not answer')
}

/** @see mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
