import { statSync } from 'node:fs'
import type { ConfigSource, ConfigTexts, ConfigWatchOptions } from '../../registry/config-source.ts'
import { Newest } from '../../registry/newest.ts'
import { watchFolders } from '../../transport/tls/watch-folders.ts'
import type { ConfigLayer } from '../config/find-variables.ts'
import { type FolderReading, readFolder } from '../config/read-folder.ts'

/** A mounted folder that was read at the start, as a source that goes on from there. */
export function mountedFolder(folder: string, known: Pick<ConfigLayer, 'texts'>): ConfigSource {
  return {
    name: `files ${folder}`,
    watch: (options) => watchFolder(folder, known.texts, options),
  }
}

async function* watchFolder(
  folder: string,
  known: ConfigTexts,
  options: ConfigWatchOptions,
): AsyncGenerator<ConfigTexts> {
  const newest = new Newest<ConfigTexts>()
  const reader = new FolderReader(folder, { ...options, known, changed: (texts) => newest.put(texts) })
  const watch = watchFolders([folder], { settleMs, pollIntervalMs, changed: () => reader.read() })
  newest.put(known)
  reader.read()
  try {
    yield* newest.read(options.signal)
  } finally {
    watch[Symbol.dispose]()
    reader.stop()
  }
}

/**
 * Guesses: how long somebody may take to write a file, which is read half until then, and how often to look where the file system does
 * not tell; with both a new value is seen within 2 s.
 */
const settleMs = 200
const pollIntervalMs = 1_000

/** A guess: a file that is changed all the time is taken as it is, a second late. */
const mostDoubts = 5

interface FolderReaderOptions extends ConfigWatchOptions {
  readonly known: ConfigTexts
  changed(texts: ConfigTexts): void
}

/** Takes what a folder holds when it is whole: mounted by Kubernetes, or the same at two readings. */
class FolderReader {
  readonly #folder: string
  readonly #options: FolderReaderOptions
  #inForce: ConfigTexts
  /** What was read once, and may be half of a change. */
  #doubtful: ConfigTexts | undefined
  #doubtCount = 0
  #isAway = false
  #again: NodeJS.Timeout | undefined

  constructor(folder: string, options: FolderReaderOptions) {
    this.#folder = folder
    this.#options = options
    this.#inForce = options.known
  }

  read(): void {
    clearTimeout(this.#again)
    const { variables, onTrouble } = this.#options
    const reading = readFolder(this.#folder, variables)
    const trouble = this.#troubleOf(reading)
    if (trouble === undefined) this.#look(reading)
    else {
      this.#isAway = true
      onTrouble?.(new Error(trouble))
    }
  }

  stop(): void {
    clearTimeout(this.#again)
  }

  /** A folder that was never there is none that is gone. */
  #troubleOf({ problems: [first] }: FolderReading): string | undefined {
    if (first !== undefined) return first.message
    const isGone = statSync(this.#folder, { throwIfNoEntry: false }) === undefined
    return isGone && Object.keys(this.#inForce).length > 0 ? `the folder ${this.#folder} is not there` : undefined
  }

  #look({ texts, isWhole }: FolderReading): void {
    const isNew = !isSame(texts, this.#inForce)
    if (isNew && !isWhole && !this.#isSettled(texts)) {
      this.#again = setTimeout(() => this.read(), settleMs).unref()
      return
    }
    this.#doubtful = undefined
    this.#doubtCount = 0
    if (!isNew && !this.#isAway) return
    this.#inForce = texts
    this.#isAway = false
    this.#options.changed(texts)
  }

  #isSettled(texts: ConfigTexts): boolean {
    const isSettled = this.#doubtful !== undefined && isSame(texts, this.#doubtful)
    this.#doubtful = texts
    this.#doubtCount += 1
    return isSettled || this.#doubtCount > mostDoubts
  }
}

function isSame(one: ConfigTexts, other: ConfigTexts): boolean {
  const variables = Object.keys(one)
  return variables.length === Object.keys(other).length && variables.every((name) => one[name] === other[name])
}
