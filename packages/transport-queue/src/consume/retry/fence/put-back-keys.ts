/**
 * Keys of which messages were put back after they were read: the first of a key waits for its attempt, and others need the room of those
 * behind it. Of each key only that is kept where they begin. When the first is done with, they are read again from there.
 */
export class PutBackKeys {
  readonly #keys = new Map<string, PutBackKey>()

  /** Puts a message of a key back. What is put back together comes in order of the offsets, and before all that is put back of the key already. */
  add(key: string, offset: number): void {
    const known = this.#keys.get(key)
    const fromOffset = known?.state === 'left' ? Math.min(known.fromOffset, offset) : offset
    this.#keys.set(key, { fromOffset, state: 'left' })
  }

  /** Whether a message of a key that is read may be begun, and none before it is left. */
  mayBegin(key: string): boolean {
    const known = this.#keys.get(key)
    return known === undefined || known.state === 'read'
  }

  /** Nothing that was begun of a key is left. Whether it has messages to be read again. */
  free(key: string): boolean {
    const known = this.#keys.get(key)
    if (known?.state !== 'left') return false
    known.state = 'free'
    return true
  }

  /** Where reading has to begin for all keys that are free, which count as being read from now on; undefined where it goes on. */
  readAgain(): number | undefined {
    let first: number | undefined
    for (const known of this.#keys.values()) {
      if (known.state !== 'free') continue
      known.state = 'read'
      first = Math.min(first ?? known.fromOffset, known.fromOffset)
    }
    return first
  }

  /** All was read to the end, that of the keys that were being read as well. */
  readAll(): void {
    for (const [key, { state }] of this.#keys) if (state === 'read') this.#keys.delete(key)
  }
}

interface PutBackKey {
  /** Where the first lies that was put back. */
  readonly fromOffset: number
  /** `left`: others of the key come before it. `free`: none do. `read`: they are being read again, in their order. */
  state: 'left' | 'free' | 'read'
}
