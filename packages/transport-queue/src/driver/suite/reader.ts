import assert from 'node:assert/strict'
import type { AssignedPartition, Membership, QueueDriver, QueueMember, ReceivedRecord } from '../../queue-driver.ts'
import { membership, never, revoked } from './driver-case.ts'

/** A member that keeps what it reads and commits nothing by itself. */
export class Reader implements AsyncDisposable {
  readonly #records: ReceivedRecord[] = []
  readonly #changed = new Set<() => void>()
  readonly #everOwned: AssignedPartition[] = []
  #owned: readonly AssignedPartition[] = []
  #held: PromiseWithResolvers<void> | undefined
  #member: QueueMember | undefined

  static join(driver: QueueDriver, group: string, topics: readonly string[]): Promise<Reader> {
    return Reader.#join(driver, membership(group, topics))
  }

  /** Joins for topics of which the group may have committed nothing. */
  static joinAt(driver: QueueDriver, group: string, starts: NonNullable<Membership['starts']>): Promise<Reader> {
    return Reader.#join(driver, { ...membership(group, [...starts.keys()]), starts })
  }

  static async #join(driver: QueueDriver, joining: Omit<Membership, 'consume'>): Promise<Reader> {
    const reader = new Reader()
    const consume = (partition: AssignedPartition) => reader.#consume(partition)
    reader.#member = await driver.join({ ...joining, consume }, never)
    return reader
  }

  get member(): QueueMember {
    assert.ok(this.#member)
    return this.#member
  }

  get owned(): readonly AssignedPartition[] {
    return this.#owned
  }

  /** Takes the next records, as many as asked for. */
  async take(count: number): Promise<readonly ReceivedRecord[]> {
    await this.#until(() => this.#records.length >= count)
    return this.#records.splice(0, count)
  }

  /** Takes what comes next. */
  async takeAny(): Promise<readonly ReceivedRecord[]> {
    await this.#until(() => this.#records.length > 0)
    return this.#records.splice(0)
  }

  owns(count: number): Promise<void> {
    return this.#until(() => this.#owned.length === count)
  }

  ownsAny(): Promise<void> {
    return this.#until(() => this.#owned.length > 0)
  }

  ownsFewer(count: number): Promise<void> {
    return this.#until(() => this.#owned.length > 0 && this.#owned.length < count)
  }

  /** From now on a partition is not let go, as if a message were running, until it is released. */
  hold(): void {
    this.#held = Promise.withResolvers()
  }

  release(): void {
    this.#held?.resolve()
    this.#held = undefined
  }

  /** The first assignment that is gone. */
  async lost(): Promise<AssignedPartition> {
    const isLost = ({ lost }: AssignedPartition) => lost.aborted
    // Nothing is told when an assignment that was let go is lost, soon after.
    while (!this.#everOwned.some(isLost)) await new Promise((resolve) => setImmediate(resolve))
    const found = this.#everOwned.find(isLost)
    assert.ok(found)
    return found
  }

  /** Resolves when a partition is to be given up. */
  revoked(): Promise<void> {
    return Promise.race(this.#owned.map(revoked))
  }

  partitionOf({ partition }: ReceivedRecord): AssignedPartition {
    const found = this.#everOwned.findLast((one) => one.partition === partition)
    assert.ok(found)
    return found
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
    await this.member.leave(AbortSignal.abort())
  }

  async #consume(partition: AssignedPartition): Promise<void> {
    this.#everOwned.push(partition)
    this.#owned = [...this.#owned, partition]
    this.#announce()
    while (!partition.revoked.aborted) {
      this.#records.push(...(await partition.fetch()))
      this.#announce()
    }
    await this.#held?.promise
    this.#owned = this.#owned.filter((one) => one !== partition)
    this.#announce()
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#changed.add(resolve))
  }

  #announce(): void {
    for (const changed of this.#changed) changed()
    this.#changed.clear()
  }
}
