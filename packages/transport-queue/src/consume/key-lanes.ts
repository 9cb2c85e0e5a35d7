import { asBuffer } from '../bytes.ts'
import type { ReceivedRecord } from '../queue-driver.ts'

/** Handles the messages of one key one after another, and those of different keys side by side. */
export class KeyLanes {
  readonly #handle: (record: ReceivedRecord) => Promise<void>
  readonly #waiting = new Map<string, ReceivedRecord[]>()
  readonly #running = new Set<Promise<void>>()

  /** @param handle Never rejects. */
  constructor(handle: (record: ReceivedRecord) => Promise<void>) {
    this.#handle = handle
  }

  /** Behind those of its key. A message without a key has no order, so it waits for none. */
  add(record: ReceivedRecord): void {
    if (record.key === null) return this.#run(this.#handle(record))
    const key = asBuffer(record.key).toString('latin1')
    const lane = this.#waiting.get(key)
    if (lane) lane.push(record)
    else this.#run(this.#drive(key, record))
  }

  /** Resolves when all that was added has been handled. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  async #drive(key: string, first: ReceivedRecord): Promise<void> {
    const lane: ReceivedRecord[] = []
    this.#waiting.set(key, lane)
    // The lane may grow while a message is handled.
    for (let next: ReceivedRecord | undefined = first; next; next = lane.shift()) await this.#handle(next)
    this.#waiting.delete(key)
  }

  #run(lane: Promise<void>): void {
    this.#running.add(lane)
    void lane.then(() => this.#running.delete(lane))
  }
}
