import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { withdrawSession } from '@tenon/core/transport'
import type { GrpcSettings } from '../grpc-options.ts'
import { cutSession } from './cut-session.ts'
import { tellMsOf } from './tell-time.ts'

/** Callers that came at once are not to come back at once. @see gRFC A9: a tenth more or less */
const jitterRatio = 0.1

/**
 * Replaces a session that is old, and one that has been idle for long. grpc-js does the same without a round trip between its two
 * GOAWAYs, so that calls which are on the way are dropped.
 *
 * @see gRFC A9
 */
export class SessionAge {
  readonly #session: ServerHttp2Session
  readonly #settings: GrpcSettings
  #timers: NodeJS.Timeout[] = []
  #idleTimer: NodeJS.Timeout | undefined
  #streamCount = 0

  constructor(session: ServerHttp2Session, settings: GrpcSettings) {
    this.#session = session
    this.#settings = settings
    const { maxConnectionAgeMs } = settings
    if (maxConnectionAgeMs !== undefined) {
      const jitter = 1 + (Math.random() * 2 - 1) * jitterRatio
      this.#after(maxConnectionAgeMs * jitter, () => this.#retire())
    }
    this.#rest()
    session.once('close', () => {
      for (const timer of [...this.#timers, this.#idleTimer]) clearTimeout(timer)
    })
  }

  /** Counts a stream for as long as it is open. */
  enter(stream: ServerHttp2Stream): void {
    if (this.#settings.maxConnectionIdleMs === undefined) return
    clearTimeout(this.#idleTimer)
    this.#streamCount += 1
    stream.once('close', () => {
      this.#streamCount -= 1
      if (this.#streamCount === 0) this.#rest()
    })
  }

  #retire(): void {
    const { maxConnectionAgeGraceMs } = this.#settings
    void this.#end('max_age', { isBusy: true })
    if (maxConnectionAgeGraceMs !== undefined) this.#after(maxConnectionAgeGraceMs, () => cutSession(this.#session))
  }

  #rest(): void {
    const { maxConnectionIdleMs } = this.#settings
    if (maxConnectionIdleMs === undefined || this.#session.destroyed) return
    this.#idleTimer = setTimeout(() => void this.#end('max_idle', { isBusy: false }), maxConnectionIdleMs).unref()
  }

  async #end(reason: string, may: { readonly isBusy: boolean }): Promise<void> {
    await withdrawSession(this.#session, tellMsOf(may), reason)
    if (!this.#session.destroyed) this.#session.close()
  }

  #after(delayMs: number, act: () => void): void {
    this.#timers.push(setTimeout(act, delayMs).unref())
  }
}
