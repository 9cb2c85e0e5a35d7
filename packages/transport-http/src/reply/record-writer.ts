import type { ServerResponse } from 'node:http'
import { writable } from './send-head.ts'

/** Characters that are written at once. A guess: a few network packets. */
const batchCharacters = 16_384

export interface Heartbeat {
  readonly text: string
  /** How long nothing may have been written; 0 for ever. */
  readonly afterMs: number
}

/**
 * Writes records that come without a pause together: a write of its own for each costs several times its bytes. Where none comes
 * for a while it gives a sign of life, unless the caller has not read yet what was written before.
 */
export class RecordWriter {
  readonly #out: ServerResponse
  readonly #heartbeat: Heartbeat
  #batch = ''
  #isScheduled = false
  #timer: NodeJS.Timeout | undefined

  constructor(out: ServerResponse, heartbeat: Heartbeat) {
    this.#out = out
    this.#heartbeat = heartbeat
  }

  get isClosed(): boolean {
    return this.#out.destroyed
  }

  /** Whether the caller has to read on first. */
  get isFull(): boolean {
    return this.#out.writableNeedDrain
  }

  /** From here on the caller is shown that the stream lives. */
  start(beginning: string): void {
    const { afterMs } = this.#heartbeat
    if (afterMs > 0) this.#timer = setTimeout(() => this.#beat(), afterMs).unref()
    if (beginning !== '') this.add(beginning)
  }

  add(record: string): void {
    this.#batch += record
    if (this.#batch.length >= batchCharacters) return this.#flush()
    if (this.#isScheduled) return
    this.#isScheduled = true
    // Runs as soon as nothing more comes at once.
    process.nextTick(() => {
      this.#isScheduled = false
      this.#flush()
    })
  }

  /** Writes what there is, and no more. */
  end(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#flush()
  }

  drained(): Promise<void> {
    return writable(this.#out)
  }

  #flush(): void {
    if (this.#batch === '') return
    const batch = this.#batch
    this.#batch = ''
    this.#timer?.refresh()
    if (!this.#out.destroyed && !this.#out.writableEnded) this.#out.write(batch)
  }

  #beat(): void {
    if (!this.isClosed && !this.isFull) this.add(this.#heartbeat.text)
    this.#timer?.refresh()
  }
}
