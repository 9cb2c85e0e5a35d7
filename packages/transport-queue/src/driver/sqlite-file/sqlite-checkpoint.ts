import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { within } from '../../wait.ts'

export interface CheckpointSurroundings {
  readonly path: string
  /** The thread ended by itself; somebody else has to move pages. */
  failed(error: unknown): void
}

/**
 * Moves pages from the write-ahead log into the file, in a thread of its own: that waits for the disk, which took up to 215 ms when it
 * was measured, and would hold up the event loop for as long.
 */
export class SqliteCheckpoint {
  readonly #thread: Worker
  #isRunning = false
  #byteCount = 0

  constructor({ path, failed }: CheckpointSurroundings) {
    this.#thread = new Worker(threadText, {
      eval: true,
      // Neither loaders nor inspectors of the process have anything to do here.
      execArgv: [],
      workerData: { path, mostPageCount },
      resourceLimits: { maxOldGenerationSizeMb: 16 },
    })
    this.#thread.unref()
    this.#thread.on('message', () => {
      this.#isRunning = false
    })
    this.#thread.on('error', failed)
  }

  /** Says that so many bytes were written; now and then they are moved. */
  wrote(byteCount: number): void {
    this.#byteCount += byteCount
    if (this.#byteCount < checkpointBytes || this.#isRunning) return
    this.#byteCount = 0
    this.#isRunning = true
    this.#thread.postMessage('move')
  }

  /** Moves what can be moved, within a bound, and ends the thread. */
  async close(): Promise<void> {
    if (this.#thread.threadId < 0) return
    const ended = once(this.#thread, 'exit')
    this.#thread.ref()
    this.#thread.postMessage('end')
    await within(ended, closeTimeoutMs, 'the disk is slow').catch(() => void this.#thread.terminate())
  }
}

/** Written since the last time. @see SQLite documentation, PRAGMA wal_autocheckpoint: 1000 pages of 4 KiB */
const checkpointBytes = 4_096_000
/** From here on writers are held back until the log can begin anew. A guess: 64 MiB. */
const mostPageCount = 16_384
/** A guess. What was not moved is by whoever opens the file next. */
const closeTimeoutMs = 2_000

/** As text, because a bundle has no file for a thread to load. Locks are not waited for: the next time will do. */
const threadText = `
  const { parentPort, workerData } = require('node:worker_threads')
  process.emitWarning = () => {}
  const { DatabaseSync } = require('node:sqlite')
  const database = new DatabaseSync(workerData.path, { timeout: 0 })
  const move = (mode) => {
    try {
      return database.prepare('PRAGMA wal_checkpoint(' + mode + ')').get()
    } catch {
      return { log: 0 }
    }
  }
  parentPort.on('message', (message) => {
    if (message === 'move') {
      if (move('PASSIVE').log > workerData.mostPageCount) move('RESTART')
      parentPort.postMessage('moved')
      return
    }
    move('TRUNCATE')
    database.close()
    parentPort.close()
  })
`
