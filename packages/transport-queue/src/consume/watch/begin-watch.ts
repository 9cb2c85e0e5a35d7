import type { Logger } from '@tenon/core/transport'
import type { QueueClock } from '../../wait.ts'
import type { TopicLag } from './topic-lag.ts'

/** A partition that was given and has not begun. */
export interface BeginningPartition {
  readonly partition: number
  /** In epoch milliseconds. */
  readonly givenAt: number
}

export interface BeginWatchSurroundings {
  readonly topic: string
  readonly group: string | undefined
  /** How long a partition may take to begin. */
  readonly graceMs: number
  readonly clock: Pick<QueueClock, 'now'>
  readonly log: Logger
  /** Whether the broker answers. */
  readonly lag: Pick<TopicLag, 'read' | 'partitions'>
  /** Told when the service may be ready for it, or not any more. */
  changed(): void
}

/** Finds partitions of a topic that have not begun though their broker answers: what was set aside cannot be read back, or where they begin is not told. */
export class BeginWatch {
  readonly #surroundings: BeginWatchSurroundings
  readonly #beginning = new Set<BeginningPartition>()
  readonly #stuck = new Map<BeginningPartition, number>()
  /** Before this moment nothing counts: a rebalance, an outage, or a process that stood still. */
  #graceAt = 0

  constructor(surroundings: BeginWatchSurroundings) {
    this.#surroundings = surroundings
  }

  /** What has not begun for too long, in words. */
  get reasons(): readonly string[] {
    const { topic, group } = this.#surroundings
    return [...this.#stuck].map(([one, sinceAt]) => {
      const where = group === undefined ? 'as a broadcast' : `in group ${group}`
      const since = new Date(sinceAt).toISOString()
      return `partition ${one.partition} of ${topic} has not begun ${where} since ${since}, though its broker answers`
    })
  }

  add(partition: BeginningPartition): void {
    this.#beginning.add(partition)
  }

  /** It has begun, or is given up. */
  remove(partition: BeginningPartition): void {
    this.#beginning.delete(partition)
    if (!this.#stuck.delete(partition)) return
    const { topic, group, log, changed } = this.#surroundings
    log.warn({ topic, group, partition: partition.partition }, 'a partition that could not begin waits no more')
    changed()
  }

  /** Counts nothing that was before now. */
  grace(): void {
    this.#graceAt = this.#surroundings.clock.now()
    if (this.#stuck.size === 0) return
    this.#stuck.clear()
    this.#surroundings.changed()
  }

  /** Asks the broker while something has not begun. Never rejects. */
  async look(): Promise<void> {
    if (this.#beginning.size === 0) return
    const { lag, graceMs, clock } = this.#surroundings
    const graceAt = this.#graceAt
    await lag.read()
    // Who does not answer counts as away.
    if (lag.partitions === undefined) return this.grace()
    if (this.#graceAt !== graceAt) return
    for (const one of this.#beginning) {
      const sinceAt = Math.max(one.givenAt, graceAt)
      if (clock.now() - sinceAt >= graceMs && !this.#stuck.has(one)) this.#tell(one, sinceAt)
    }
  }

  #tell(one: BeginningPartition, sinceAt: number): void {
    this.#stuck.set(one, sinceAt)
    const { topic, group, log, changed } = this.#surroundings
    const { partition } = one
    log.error({ topic, group, partition, sinceAt }, 'a partition cannot begin, and the service is not ready')
    changed()
  }
}
