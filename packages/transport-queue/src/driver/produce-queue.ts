import { ServiceError } from '@tenon/core/transport'
import type { ProduceBound, RecordToSend } from '../queue-driver.ts'

/** Sends records in one request. @throws ServiceError `unavailable`, or `internal` for one that is never taken. */
export type SendRecords = (records: readonly RecordToSend[]) => Promise<void>

interface Entry {
  readonly records: readonly RecordToSend[]
  readonly byteCount: number
  readonly done: PromiseWithResolvers<void>
  stopWaiting(): void
}

/**
 * Lets one request at a time be under way and puts what comes meanwhile into the next one. Order is kept across failures
 * that way, whatever the client library does about retries, and many small sends cost few requests.
 */
export class ProduceQueue {
  readonly #send: SendRecords
  #waiting: Entry[] = []
  #running: Promise<void> | undefined

  constructor(send: SendRecords) {
    this.#send = send
  }

  /** Resolves when the records are stored; not begun when their time is up or the signal fires, they never are. */
  push(records: readonly RecordToSend[], { timeoutMs, signal }: ProduceBound): Promise<void> {
    if (signal?.aborted) return Promise.reject(notProduced())
    const done = Promise.withResolvers<void>()
    const giveUp = (error: ServiceError) => {
      this.#waiting = this.#waiting.filter((other) => other !== entry)
      entry.stopWaiting()
      done.reject(error)
    }
    const timer = setTimeout(() => giveUp(timedOut(timeoutMs)), timeoutMs)
    const onAbort = () => giveUp(notProduced())
    signal?.addEventListener('abort', onAbort, { once: true })
    const entry: Entry = {
      records,
      byteCount: records.reduce((sum, { value }) => sum + (value?.byteLength ?? 0), 0),
      done,
      stopWaiting: () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      },
    }
    this.#waiting.push(entry)
    this.#running ??= this.#run()
    return done.promise
  }

  /** Resolves when nothing waits or runs any more. */
  async flush(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    // What is pushed in the same turn goes out together.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#sendTogether(this.#takeBatch())
    this.#running = undefined
  }

  #takeBatch(): readonly Entry[] {
    let byteCount = 0
    const next = this.#waiting.findIndex((entry, index) => {
      byteCount += entry.byteCount
      return index > 0 && (index >= batchEntryCount || byteCount > batchBytes)
    })
    return this.#waiting.splice(0, next < 0 ? this.#waiting.length : next)
  }

  async #sendTogether(entries: readonly Entry[]): Promise<void> {
    try {
      await this.#send(entries.flatMap(({ records }) => records))
      for (const entry of entries) settle(entry)
    } catch (cause) {
      const error = ServiceError.is(cause) ? cause : new ServiceError('internal', 'the broker refused', { cause })
      // One record that is never taken must not take the others of its request with it.
      if (error.code === 'unavailable' || entries.length === 1) for (const entry of entries) settle(entry, error)
      else for (const entry of entries) await this.#sendTogether([entry])
    }
  }
}

/** Below the megabyte that a broker takes in one request by default. @see Kafka broker setting message.max.bytes */
const batchBytes = 524_288
/** A guess. */
const batchEntryCount = 500

function settle(entry: Entry, error?: ServiceError): void {
  entry.stopWaiting()
  if (error) entry.done.reject(error)
  else entry.done.resolve()
}

function timedOut(timeoutMs: number): ServiceError {
  return new ServiceError('unavailable', `no broker took the message within ${timeoutMs} ms`)
}

/** The error for records whose signal fired before they were sent. */
export function notProduced(): ServiceError {
  return new ServiceError('cancelled', 'the caller gave up before a broker took the message')
}
