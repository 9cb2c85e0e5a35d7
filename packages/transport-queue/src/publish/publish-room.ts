import { ServiceError } from '@tenon/core/transport'
import type { PublishingSettings } from './publishing-options.ts'

/** A message that is on its way, whatever it waits for. */
export interface OpenMessage {
  /** 0 until its payload is written. */
  readonly byteCount: number
  /** Gives it up and tells its publisher. False when that was told already. Must not let another go. */
  cut(): boolean
}

/** Bounds the messages that are on their way, from their first check until the broker's answer, and knows when none is. */
export class PublishRoom {
  readonly #maxCount: number
  readonly #maxBytes: number
  readonly #open = new Set<OpenMessage>()
  #byteCount = 0
  #idle: PromiseWithResolvers<void> | undefined

  constructor({ maxPublishingCount, maxPublishingBytes }: PublishingSettings) {
    this.#maxCount = maxPublishingCount
    this.#maxBytes = maxPublishingBytes
  }

  /** @throws ServiceError `resource_exhausted` when too many are in. */
  enter(message: OpenMessage): void {
    if (this.#open.size >= this.#maxCount) throw tooMany()
    this.#open.add(message)
  }

  /** For one that is in, once its size is known; one that is larger than all the room goes alone. @throws as `enter` */
  reserve(byteCount: number): void {
    if (this.#byteCount > 0 && this.#byteCount + byteCount > this.#maxBytes) throw tooMany()
    this.#byteCount += byteCount
  }

  /** Gives back what it took. */
  leave(message: OpenMessage): void {
    this.#open.delete(message)
    this.#byteCount -= message.byteCount
    if (this.#open.size > 0) return
    this.#idle?.resolve()
    this.#idle = undefined
  }

  /** Resolves when nothing is on its way. */
  async idle(): Promise<void> {
    if (this.#open.size === 0) return
    this.#idle ??= Promise.withResolvers()
    await this.#idle.promise
  }

  /** Gives up what is on its way. Tells how many that were. */
  cut(): number {
    return [...this.#open].filter((message) => message.cut()).length
  }
}

function tooMany(): ServiceError {
  return new ServiceError('resource_exhausted', 'too many messages wait to be published', {
    reason: 'publishing_backlog',
    details: { retryDelayMs: 1_000 },
  })
}
