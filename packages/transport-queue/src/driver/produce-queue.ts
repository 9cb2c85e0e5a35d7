import { ServiceError } from '@tenon/core/transport'
import type { ProduceBound, RecordToSend } from '../queue-driver.ts'
import { unlessAborted, wait } from '../wait.ts'

/** Sends records in one request. @throws ServiceError `unavailable`, or `internal` for one that is never taken. */
export type SendRecords = (records: readonly RecordToSend[]) => Promise<void>

export interface ProduceQueueSettings {
  /** How long the first record after a pause waits for others. 0: those of the same turn of the event loop. */
  readonly lingerMs: number
  /** Records go into one request up to this size; one that is larger goes alone. */
  readonly maxBatchBytes: number
  /** Records that wait or are being sent, up to this size; what is pushed beyond it waits for room. */
  readonly maxBufferedBytes: number
}

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
  readonly #settings: ProduceQueueSettings
  /** In their order: those that wait for room, those that wait to be sent, those that are being sent. */
  readonly #outside = new Set<Entry>()
  readonly #waiting = new Set<Entry>()
  readonly #sending = new Set<Entry>()
  readonly #closing = new AbortController()
  #bufferedBytes = 0
  #filled = Promise.withResolvers<void>()
  #running: Promise<void> | undefined

  constructor(settings: ProduceQueueSettings, send: SendRecords) {
    this.#settings = settings
    this.#send = send
  }

  /** Resolves when the records are stored; not begun when their time is up or the signal fires, they never are. */
  push(records: readonly RecordToSend[], { timeoutMs, signal }: ProduceBound): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.reject(closed())
    if (signal?.aborted) return Promise.reject(notProduced())
    const done = Promise.withResolvers<void>()
    const timer = setTimeout(() => this.#settle(entry, this.#timedOut(entry, timeoutMs)), timeoutMs)
    const onAbort = () => this.#settle(entry, notProduced())
    signal?.addEventListener('abort', onAbort, { once: true })
    const entry: Entry = {
      records,
      byteCount: records.reduce((sum, record) => sum + byteCountOf(record), 0),
      done,
      stopWaiting: () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      },
    }
    this.#outside.add(entry)
    this.#admit()
    return done.promise
  }

  /**
   * Sends what waits, without waiting for more to come. What is not stored when the time is up fails as `unavailable`, as
   * does all that is pushed from now on.
   */
  async close(timeoutMs: number): Promise<void> {
    this.#closing.abort()
    const isOver = new AbortController()
    const timer = setTimeout(() => isOver.abort(), timeoutMs)
    while (this.#running && !isOver.signal.aborted) await unlessAborted(this.#running, isOver.signal)
    clearTimeout(timer)
    for (const entry of [...this.#outside, ...this.#waiting, ...this.#sending]) this.#settle(entry, closed())
  }

  /** Takes in what there is room for; one that is larger than all the room there is when nothing else is there. */
  #admit(): void {
    for (const entry of this.#outside) {
      const isRoom = this.#bufferedBytes + entry.byteCount <= this.#settings.maxBufferedBytes
      if (!isRoom && this.#bufferedBytes > 0) return
      this.#outside.delete(entry)
      this.#waiting.add(entry)
      this.#bufferedBytes += entry.byteCount
      if (this.#bufferedBytes >= this.#settings.maxBatchBytes) this.#filled.resolve()
      this.#running ??= this.#run()
    }
  }

  async #run(): Promise<void> {
    // What is pushed in the same turn goes out together.
    await Promise.resolve()
    await this.#linger()
    while (this.#waiting.size > 0) await this.#sendTogether(this.#takeBatch())
    this.#running = undefined
  }

  async #linger(): Promise<void> {
    const { lingerMs, maxBatchBytes } = this.#settings
    if (lingerMs === 0 || this.#bufferedBytes >= maxBatchBytes) return
    this.#filled = Promise.withResolvers()
    const over = new AbortController()
    const waited = wait(lingerMs, AbortSignal.any([over.signal, this.#closing.signal]))
    await Promise.race([waited, this.#filled.promise])
    over.abort()
  }

  #takeBatch(): readonly Entry[] {
    const batch: Entry[] = []
    let byteCount = 0
    for (const entry of this.#waiting) {
      byteCount += entry.byteCount
      if (batch.length > 0 && (batch.length >= batchEntryCount || byteCount > this.#settings.maxBatchBytes)) break
      this.#waiting.delete(entry)
      this.#sending.add(entry)
      batch.push(entry)
    }
    return batch
  }

  async #sendTogether(entries: readonly Entry[]): Promise<void> {
    try {
      await this.#send(entries.flatMap(({ records }) => records))
      for (const entry of entries) this.#settle(entry)
    } catch (cause) {
      const error = ServiceError.is(cause) ? cause : new ServiceError('internal', 'the broker refused', { cause })
      // One record that is never taken must not take the others of its request with it.
      if (error.code === 'unavailable' || entries.length === 1) for (const entry of entries) this.#settle(entry, error)
      else for (const entry of entries) if (this.#sending.has(entry)) await this.#sendTogether([entry])
    }
  }

  #settle(entry: Entry, error?: ServiceError): void {
    entry.stopWaiting()
    const wasBuffered = this.#waiting.delete(entry) || this.#sending.delete(entry)
    this.#outside.delete(entry)
    if (wasBuffered) this.#bufferedBytes -= entry.byteCount
    if (error) entry.done.reject(error)
    else entry.done.resolve()
    this.#admit()
  }

  #timedOut(entry: Entry, timeoutMs: number): ServiceError {
    const { maxBufferedBytes } = this.#settings
    const text = this.#outside.has(entry)
      ? `no room among the ${maxBufferedBytes} bytes that wait to be sent, within ${timeoutMs} ms`
      : `no broker took the message within ${timeoutMs} ms`
    return new ServiceError('unavailable', text)
  }
}

/** A guess. */
const batchEntryCount = 500
/** What a record takes besides its bytes; keeps those without any bounded too. A guess. */
const recordByteCount = 64

function byteCountOf({ key, value, headers }: RecordToSend): number {
  const ofHeaders = headers.reduce((sum, [name, text]) => sum + name.length + text.byteLength, 0)
  return recordByteCount + (key?.byteLength ?? 0) + (value?.byteLength ?? 0) + ofHeaders
}

/** The error for records whose signal fired before they were sent. */
export function notProduced(): ServiceError {
  return new ServiceError('cancelled', 'the caller gave up before a broker took the message')
}

function closed(): ServiceError {
  return new ServiceError('unavailable', 'the connection to the broker was closed before it took the message')
}
