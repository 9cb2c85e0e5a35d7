import { ServiceError } from '@tenon/core/transport'
import type { ProduceBound } from '../../queue-driver.ts'
import { wait } from '../../wait.ts'
import { notProduced } from '../produce-queue.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import { isLocked, toQueueError } from './sqlite-error.ts'

interface Entry {
  /** Does its work inside a transaction; what it gives is called once that is stored. */
  run(): () => void
  fail(error: unknown): void
}

export interface WriterSurroundings {
  /** Told after each transaction, with the number of works in it. */
  stored(workCount: number): void
  /** A number from 0 to 1. */
  random(): number
  /** Milliseconds of a clock that only goes forward. @defaultValue the process's own */
  nowMs?(): number
}

/**
 * Lets works write in their order, as many in one transaction as fit into a few milliseconds. While another process holds the
 * file, they wait without holding up the event loop; one whose time is up meanwhile is never carried out.
 */
export class SqliteWriter {
  readonly #database: SqliteDatabase
  readonly #surroundings: Required<WriterSurroundings>
  readonly #closed = new AbortController()
  #waiting: Entry[] = []
  #running: Promise<void> | undefined
  /** Since when another process has held the file without a pause, as far as anything waits to be written. */
  #refusedSinceMs: number | undefined

  constructor(database: SqliteDatabase, surroundings: WriterSurroundings) {
    this.#database = database
    this.#surroundings = { nowMs: () => performance.now(), ...surroundings }
  }

  /**
   * What the work comes to, once it is stored. The work may be run again when a transaction fails.
   *
   * @throws ServiceError `unavailable` when the file stayed locked, `cancelled` when the signal fired, or the work's own error
   */
  push<T>(work: () => T, { timeoutMs, signal }: ProduceBound): Promise<T> {
    if (signal?.aborted) return Promise.reject(notProduced())
    if (this.#closed.signal.aborted) return Promise.reject(hasClosed())
    return new Promise((resolve, reject) => {
      const giveUp = (error: ServiceError) => {
        this.#waiting = this.#waiting.filter((other) => other !== entry)
        entry.fail(error)
      }
      const timer = setTimeout(() => giveUp(timedOut(timeoutMs)), timeoutMs)
      const onAbort = () => giveUp(notProduced())
      const stopWaiting = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      const entry: Entry = {
        run: () => {
          const value = work()
          return () => {
            stopWaiting()
            resolve(value)
          }
        },
        fail: (error) => {
          stopWaiting()
          reject(error)
        },
      }
      this.#waiting.push(entry)
      this.#running ??= this.#run()
    })
  }

  /** For how long another process has held the file by now, while something waits to be written; else 0. */
  get lockedForMs(): number {
    return this.#refusedSinceMs === undefined ? 0 : this.#surroundings.nowMs() - this.#refusedSinceMs
  }

  /** Resolves when nothing waits any more. */
  async flush(): Promise<void> {
    await this.#running
  }

  /** What still waits fails. */
  close(): void {
    this.#closed.abort()
    for (const entry of this.#waiting.splice(0)) entry.fail(hasClosed())
  }

  async #run(): Promise<void> {
    for (let refusedCount = 0; ; ) {
      // What is pushed in the same turn of the event loop is stored together.
      await new Promise((resolve) => setImmediate(resolve))
      if (this.#waiting.length === 0) break
      refusedCount = this.#store() ? 0 : refusedCount + 1
      this.#refusedSinceMs = refusedCount > 0 ? (this.#refusedSinceMs ?? this.#surroundings.nowMs()) : undefined
      if (refusedCount > 0) await wait(this.#delayMs(refusedCount), this.#closed.signal)
    }
    this.#refusedSinceMs = undefined
    this.#running = undefined
  }

  /** False when another process holds the file. */
  #store(): boolean {
    const finish: (() => void)[] = []
    let failing: Entry | undefined
    try {
      this.#database.transaction(() => {
        const stopAtMs = this.#surroundings.nowMs() + transactionMs
        for (failing of this.#waiting) {
          finish.push(failing.run())
          if (this.#surroundings.nowMs() >= stopAtMs) break
        }
        failing = undefined
      })
    } catch (error) {
      if (isLocked(error) && finish.length === 0) return false
      // A file that cannot be written at all fails everybody who waits for it.
      const together = this.#waiting.slice(0, finish.length || this.#waiting.length)
      this.#fail(failing === undefined ? together : [failing], error)
      return true
    }
    this.#waiting.splice(0, finish.length)
    for (const done of finish) done()
    this.#surroundings.stored(finish.length)
    return true
  }

  /** A work that fails takes no other of its transaction with it: those are carried out again. */
  #fail(entries: readonly Entry[], error: unknown): void {
    this.#waiting = this.#waiting.filter((entry) => !entries.includes(entry))
    for (const entry of entries) entry.fail(toQueueError(error))
  }

  /** Short, growing and spread, so that processes which wait for the same holder do not meet again. */
  #delayMs(refusedCount: number): number {
    return Math.min(mostDelayMs, 2 ** refusedCount) * (0.5 + this.#surroundings.random() / 2)
  }
}

/** How long a transaction goes on taking works in. A guess: it keeps the event loop, and all other writers, waiting. */
const transactionMs = 3
/** Longest pause between two tries. A guess: a transaction takes less than that. */
const mostDelayMs = 16

function timedOut(timeoutMs: number): ServiceError {
  return new ServiceError('unavailable', `the queue file stayed locked for ${timeoutMs} ms`)
}

function hasClosed(): ServiceError {
  return new ServiceError('unavailable', 'the queue is closed')
}
