import { type FSWatcher, watch } from 'node:fs'

export interface NotifierSurroundings {
  /** The file to which every change is written first. */
  readonly walPath: string
  /** Looks whether another process has changed something, and tells whom it concerns. True when it had. */
  look(): boolean
}

/**
 * Learns of what other processes write. The operating system says that the file changes; when it does not, or not in time, a look
 * now and then finds out.
 */
export class SqliteNotifier {
  readonly #surroundings: NotifierSurroundings
  readonly #watcher: FSWatcher | undefined
  readonly #idleDelayMs: number
  #delayMs = leastDelayMs
  #timer: NodeJS.Timeout | undefined
  #soon: NodeJS.Immediate | undefined
  #isClosed = false

  constructor(surroundings: NotifierSurroundings) {
    this.#surroundings = surroundings
    this.#watcher = watchFile(surroundings.walPath, () => this.#lookSoon())
    this.#idleDelayMs = this.#watcher === undefined ? unwatchedDelayMs : watchedDelayMs
    this.#lookLater()
  }

  close(): void {
    this.#isClosed = true
    this.#watcher?.close()
    clearTimeout(this.#timer)
    clearImmediate(this.#soon)
  }

  /**
   * Pages are written before the change can be seen, and nobody tells of the moment when it can. So a look that finds nothing
   * is followed by others, ever more seldom.
   */
  #lookSoon(): void {
    if (this.#delayMs > leastDelayMs) this.#soon ??= setImmediate(() => this.#look(leastDelayMs))
  }

  #look(nextDelayMs: number): void {
    clearImmediate(this.#soon)
    clearTimeout(this.#timer)
    this.#soon = undefined
    this.#delayMs = this.#surroundings.look() ? leastDelayMs : nextDelayMs
    this.#lookLater()
  }

  #lookLater(): void {
    if (this.#isClosed) return
    this.#timer = setTimeout(() => this.#look(Math.min(this.#idleDelayMs, this.#delayMs * 4)), this.#delayMs)
  }
}

const leastDelayMs = 1
/** How soon a change is found of which the operating system, that tells of them all, tells nothing. A guess. */
const watchedDelayMs = 500
/** The same where files cannot be watched. A guess: forty looks a second cost a thousandth of a core. */
const unwatchedDelayMs = 25

/** Undefined where files cannot be watched, or no more of them. */
function watchFile(path: string, changed: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(path, { persistent: false }, changed)
    return watcher.on('error', () => watcher.close())
  } catch {
    return undefined
  }
}
