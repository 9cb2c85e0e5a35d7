import type { Logger } from '@tenon/core/transport'

interface Outage {
  readonly toldAtMs: number
  isOver: boolean
}

/**
 * Tells the log when a topic takes no messages, and when it does again; every publisher learns of its own message anyway. A topic
 * that comes and goes is told of once a minute.
 */
export class OutageLog {
  readonly #last = new Map<string, Outage>()
  #log: Logger | undefined

  /** From here on; undefined for no longer. */
  tell(log: Logger | undefined): void {
    this.#log = log
  }

  begin(topic: string, error: unknown): void {
    const last = this.#last.get(topic)
    const now = performance.now()
    if (!this.#log || (last && (!last.isOver || now < last.toldAtMs + pauseMs))) return
    this.#last.set(topic, { toldAtMs: now, isOver: false })
    this.#log.warn({ topic, err: error }, 'messages cannot be published')
  }

  end(topic: string): void {
    const last = this.#last.get(topic)
    if (!last || last.isOver) return
    last.isOver = true
    this.#log?.info({ topic }, 'messages are published again')
  }
}

/** A guess. */
const pauseMs = 60_000
