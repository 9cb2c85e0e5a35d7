import { ServiceError } from '@tenon/core/transport'
import type { RecordToSend } from '../queue-driver.ts'
import { firstOf, wait } from '../wait.ts'

/** Where records go, with the partition of each said. */
export interface SendPlace {
  readonly topic: string
  readonly partition: number
}

/**
 * Stores records in one partition, all or none of them.
 *
 * @param over Fires when nobody waits for them any more: what is being tried then is not tried again.
 * @throws ServiceError `internal` when one of them is never taken; any other code concerns them all
 */
export type SendRecords = (records: readonly RecordToSend[], place: SendPlace, over: AbortSignal) => Promise<void>

export interface LaneSettings {
  /** How long the first record after a pause waits for others. 0: those of the same turn of the event loop. */
  readonly lingerMs: number
  /** Records go into one request up to this size; one that is larger goes alone. */
  readonly maxBatchBytes: number
}

/** What goes to one partition of that which is pushed together. */
export interface LanePart {
  readonly records: readonly RecordToSend[]
  readonly byteCount: number
  stored(): void
  failed(error: ServiceError): void
}

/** What a lane works with. */
export interface LaneWay {
  /** Fires when nothing is to wait for others any more. */
  readonly closing: AbortSignal
  send(records: readonly RecordToSend[], over: AbortSignal): Promise<void>
  /** Called when the topic is gone: what is in the lane stays there, untold, and nothing more of it is sent. */
  lost(error: ServiceError): void
  /** Called when nothing of the lane is being sent or will be. */
  idle(): void
}

/**
 * Lets one request at a time be under way to a partition and puts what comes meanwhile into the next one. A request is stored as a
 * whole or not at all, so what is sent again was never stored, and order is kept across failures.
 */
export class ProduceLane {
  readonly #settings: LaneSettings
  readonly #way: LaneWay
  readonly #waiting = new Set<LanePart>()
  readonly #sending = new Set<LanePart>()
  /** The request that is under way, and whose it is. */
  #request: { readonly parts: Set<LanePart>; readonly over: AbortController } | undefined
  #waitingBytes = 0
  #filled = Promise.withResolvers<void>()
  #isRunning = false
  #isStopped = false

  constructor(settings: LaneSettings, way: LaneWay) {
    this.#settings = settings
    this.#way = way
  }

  /** Whether anything of it is being sent, or will be. */
  get isRunning(): boolean {
    return this.#isRunning
  }

  push(part: LanePart): void {
    this.#waiting.add(part)
    this.#waitingBytes += part.byteCount
    if (this.#waitingBytes >= this.#settings.maxBatchBytes) this.#filled.resolve()
    if (!this.#isRunning) void this.#run()
  }

  /** Its outcome is of no interest any more: what waits is never sent, and a request of which none is left is not tried again. */
  forget(part: LanePart): void {
    if (this.#waiting.delete(part)) this.#waitingBytes -= part.byteCount
    this.#sending.delete(part)
    if (this.#request?.parts.delete(part) && this.#request.parts.size === 0) this.#request.over.abort()
  }

  /** Sends nothing more, for good. */
  stop(): void {
    this.#isStopped = true
    this.#filled.resolve()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    // What is pushed in the same turn goes out together.
    await Promise.resolve()
    await this.#linger()
    while (this.#waiting.size > 0 && !this.#isStopped) await this.#sendTogether(this.#takeBatch())
    this.#isRunning = false
    this.#way.idle()
  }

  async #linger(): Promise<void> {
    const { lingerMs, maxBatchBytes } = this.#settings
    if (lingerMs === 0 || this.#waitingBytes >= maxBatchBytes) return
    const filled = Promise.withResolvers<void>()
    this.#filled = filled
    await firstOf([(over) => wait(lingerMs, over), () => filled.promise], this.#way.closing)
  }

  #takeBatch(): readonly LanePart[] {
    const batch: LanePart[] = []
    let byteCount = 0
    for (const part of this.#waiting) {
      byteCount += part.byteCount
      if (batch.length > 0 && (batch.length >= batchPartCount || byteCount > this.#settings.maxBatchBytes)) break
      this.forget(part)
      this.#sending.add(part)
      batch.push(part)
    }
    return batch
  }

  async #sendTogether(batch: readonly LanePart[]): Promise<void> {
    const parts = batch.filter((part) => this.#sending.has(part))
    if (parts.length === 0 || this.#isStopped) return
    const over = new AbortController()
    this.#request = { parts: new Set(parts), over }
    try {
      await this.#way
        .send(
          parts.flatMap(({ records }) => records),
          over.signal,
        )
        .finally(() => (this.#request = undefined))
      for (const part of parts) if (this.#sending.delete(part)) part.stored()
    } catch (cause) {
      // Nobody waits for it, and what was not tried to its end says nothing of the topic.
      if (over.signal.aborted) return
      const error = ServiceError.is(cause) ? cause : new ServiceError('internal', 'the broker refused', { cause })
      if (error.code === 'not_found') this.#way.lost(error)
      else if (error.code === 'internal' && parts.length > 1) await this.#sendHalves(parts)
      else this.#fail(parts, error)
    }
  }

  #fail(parts: readonly LanePart[], error: ServiceError): void {
    for (const part of parts) {
      this.forget(part)
      part.failed(error)
    }
  }

  /** One record that is never taken must not take the others of its request with it. In their order. */
  async #sendHalves(parts: readonly LanePart[]): Promise<void> {
    const half = Math.ceil(parts.length / 2)
    await this.#sendTogether(parts.slice(0, half))
    await this.#sendTogether(parts.slice(half))
  }
}

/** A guess. */
const batchPartCount = 500
