import type { MessageOrder } from '@tenon/core/transport'
import { partitionHash } from '../../../driver/partition-hash.ts'

/**
 * Which keys of a partition have messages that were set aside, so that later ones have to go behind them. Keys share the places of a
 * table of fixed size: that two are in one place only sets an innocent message aside, which keeps its order.
 */
export class KeyFence {
  /** Made when first needed. */
  #counts: Uint32Array | undefined
  /** By place. */
  readonly #watching = new Map<number, Set<() => void>>()
  readonly #order: MessageOrder

  constructor(order: MessageOrder) {
    this.#order = order
  }

  /** Where a key stands in the table; undefined for a message that has no order. */
  placeOf(key: Uint8Array | null): number | undefined {
    return key === null || this.#order === 'none'
      ? undefined
      : Math.imul(partitionHash(key), spread) >>> (32 - placeBits)
  }

  isUp(key: Uint8Array | null): boolean {
    if (this.#counts === undefined) return false
    const place = this.placeOf(key)
    return place !== undefined && this.#countAt(place) > 0
  }

  raise(place: number | undefined): void {
    if (place === undefined) return
    this.#counts ??= new Uint32Array(2 ** placeBits)
    this.#counts[place] = this.#countAt(place) + 1
  }

  lower(place: number | undefined): void {
    if (place === undefined || this.#counts === undefined) return
    this.#counts[place] = Math.max(0, this.#countAt(place) - 1)
    if (this.#counts[place] === 0) for (const fell of this.#watching.get(place) ?? []) fell()
  }

  /** Resolves when the fence of a place is down, or the signal fires. */
  async untilDown(place: number, signal: AbortSignal): Promise<void> {
    if (this.#countAt(place) === 0 || signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const watching = this.#watching.get(place) ?? new Set()
    this.#watching.set(place, watching.add(resolve))
    signal.addEventListener('abort', () => resolve(), { once: true })
    await promise
    watching.delete(resolve)
    if (watching.size === 0) this.#watching.delete(place)
  }

  #countAt(place: number): number {
    return this.#counts?.[place] ?? 0
  }
}

/** Of 65,536 places in a table of 256 KiB. A guess: some hundred keys that are set aside meet few others. */
const placeBits = 16
/** Keys of a partition are alike in the low bits of their hash. @see Knuth, multiplicative hashing */
const spread = 0x9e3779b1
