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
 * Every reading has them to itself, so that none waits behind another. Of many partitions only those are kept that were read last.
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
    let hasFailed = false
    try {
      yield* readPartition(open.source, range, bound)
    } catch (error) {
      hasFailed = true
      throw error
    } finally {
      // An answer may still be on its way to what failed or was cut, but not to a loop that was left.
      if (hasFailed || bound.signal?.aborted) open.close()
      else this.#keep(range, open)
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
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > mostKeptCount && oldest !== undefined) this.#drop(oldest)
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
/** A reading takes two or three connections, and whoever lists dead letters goes through all partitions of a topic. A guess. */
const mostKeptCount = 32
