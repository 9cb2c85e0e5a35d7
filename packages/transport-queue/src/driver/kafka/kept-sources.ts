import type { ReadBound, ReceivedRecord, RecordPlace, RecordRange } from '../../queue-driver.ts'
import { type PartitionSource, readPartition } from '../partition-reading.ts'

/** A partition, and the connections that it is read over. */
export interface OpenSource {
  readonly source: PartitionSource
  /** Must not throw. */
  close(): void
}

interface KeptSource {
  readonly open: OpenSource
  readonly timer: NodeJS.Timeout
}

/**
 * Keeps for a moment what a partition was read through: whoever looks into a retry topic again and again would open connections for each look.
 * Every reading has them to itself, so that none waits behind another.
 */
export class KeptSources {
  readonly #open: (place: RecordPlace) => OpenSource
  readonly #kept = new Map<string, KeptSource>()
  #isClosed = false

  constructor(open: (place: RecordPlace) => OpenSource) {
    this.#open = open
  }

  /** Reads a range as `QueueDriver.read` says. */
  async *read(range: RecordRange, bound: ReadBound): AsyncGenerator<readonly ReceivedRecord[], void, undefined> {
    const open = this.#take(range)
    let isSound = false
    try {
      yield* readPartition(open.source, range, bound)
      // Otherwise an answer may still be on its way.
      isSound = bound.signal?.aborted !== true
    } finally {
      if (isSound) this.#keep(range, open)
      else open.close()
    }
  }

  /** Closes what nobody reads through; keeps nothing any more. */
  close(): void {
    this.#isClosed = true
    for (const name of this.#kept.keys()) this.#drop(name)
  }

  #take(range: RecordRange): OpenSource {
    const name = nameOf(range)
    const kept = this.#kept.get(name)
    if (kept === undefined) return this.#open(range)
    this.#kept.delete(name)
    clearTimeout(kept.timer)
    return kept.open
  }

  #keep(range: RecordRange, open: OpenSource): void {
    const name = nameOf(range)
    if (this.#isClosed || this.#kept.has(name)) return open.close()
    this.#kept.set(name, { open, timer: setTimeout(() => this.#drop(name), keptMs).unref() })
  }

  #drop(name: string): void {
    const kept = this.#kept.get(name)
    this.#kept.delete(name)
    clearTimeout(kept?.timer)
    kept?.open.close()
  }
}

function nameOf({ topic, partition }: RecordPlace): string {
  return `${topic}/${partition}`
}

/** A guess: looks that come often come more often than this. */
const keptMs = 5_000
