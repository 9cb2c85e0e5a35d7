import { asBuffer } from '../bytes.ts'
import type { ReceivedRecord } from '../queue-driver.ts'

/** Handles the messages of one key one after another, and those of different keys side by side. */
export class KeyLanes {
  readonly #handle: (record: ReceivedRecord) => Promise<void>
  readonly #waiting = new Map<string, ReceivedRecord[]>()
  #runningCount = 0
  #idle: PromiseWithResolvers<void> | undefined

  /** @param handle Never rejects. */
  constructor(handle: (record: ReceivedRecord) => Promise<void>) {
    this.#handle = handle
  }

  /** Behind those of its key. A message without a key has no order, so it waits for none. */
  add(record: ReceivedRecord): void {
    const key = record.key === null ? undefined : asBuffer(record.key).toString('latin1')
    const lane = key === undefined ? undefined : this.#waiting.get(key)
    if (lane) lane.push(record)
    else void this.#drive(record, key)
  }

  /** Resolves when all that was added has been handled. */
  async settled(): Promise<void> {
    while (this.#runningCount > 0) {
      this.#idle ??= Promise.withResolvers()
      await this.#idle.promise
    }
  }

  async #drive(first: ReceivedRecord, key: string | undefined): Promise<void> {
    const lane: ReceivedRecord[] = []
    if (key !== undefined) this.#waiting.set(key, lane)
    this.#runningCount += 1
    // The lane may grow while a message is handled.
    for (let next: ReceivedRecord | undefined = first; next; next = lane.shift()) await this.#handle(next)
    if (key !== undefined) this.#waiting.delete(key)
    this.#runningCount -= 1
    if (this.#runningCount > 0) return
    this.#idle?.resolve()
    this.#idle = undefined
  }
}
