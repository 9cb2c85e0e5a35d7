import { ServiceError } from '@tenon/core/transport'
import type { PublishingSettings } from './publishing-options.ts'

/** A message that waits until there is room. */
export interface Turn {
  readonly byteCount: number
  /** There is room for it now, until it leaves. Must not throw. */
  go(): void
}

/** Lets as many messages be on their way as there is room for, first come, first served. */
export class PublishRoom {
  readonly #maxCount: number
  readonly #maxBytes: number
  readonly #waiting = new Set<Turn>()
  /** Of all that were reserved for. */
  #reservedCount = 0
  #reservedBytes = 0
  /** Of those that had their turn. */
  #count = 0
  #bytes = 0

  constructor({ maxPublishingCount, maxPublishingBytes }: PublishingSettings) {
    this.#maxCount = maxPublishingCount
    this.#maxBytes = maxPublishingBytes
  }

  /** Takes a message in, whatever it has to wait for. @throws ServiceError `resource_exhausted` when too many are in. */
  reserve(byteCount: number): void {
    const isFull = this.#reservedCount >= 2 * this.#maxCount || this.#reservedBytes + byteCount > 2 * this.#maxBytes
    if (isFull && this.#reservedCount > 0) throw tooMany()
    this.#reservedCount += 1
    this.#reservedBytes += byteCount
  }

  /** Gives up what was reserved. */
  release(byteCount: number): void {
    this.#reservedCount -= 1
    this.#reservedBytes -= byteCount
  }

  /** Lets it go at once, or when those before it have gone and there is room. */
  enter(turn: Turn): void {
    this.#waiting.add(turn)
    this.#next()
  }

  /** It waits no longer. */
  forget(turn: Turn): void {
    if (this.#waiting.delete(turn)) this.#next()
  }

  /** Gives the room of one that went to those that wait. */
  leave(byteCount: number): void {
    this.#count -= 1
    this.#bytes -= byteCount
    this.#next()
  }

  #next(): void {
    for (const turn of this.#waiting) {
      const isFull = this.#count >= this.#maxCount || this.#bytes + turn.byteCount > this.#maxBytes
      if (isFull && this.#count > 0) return
      this.#waiting.delete(turn)
      this.#count += 1
      this.#bytes += turn.byteCount
      turn.go()
    }
  }
}

function tooMany(): ServiceError {
  return new ServiceError('resource_exhausted', 'too many messages wait to be published', {
    reason: 'publishing_backlog',
    details: { retryDelayMs: 1_000 },
  })
}
