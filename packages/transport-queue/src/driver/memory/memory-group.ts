import type { Membership, QueueMember } from '../../queue-driver.ts'
import { giveUp } from '../ownership.ts'
import type { Backlog } from './memory-backlog.ts'
import type { MemoryLog } from './memory-log.ts'
import { MemoryMember } from './memory-member.ts'
import { idOf, MemoryPartition } from './memory-partition.ts'
import type { MemoryRequests } from './memory-requests.ts'

interface GroupSurroundings {
  readonly revokeTimeoutMs: number
  readonly backlog: Backlog
  readonly requests: MemoryRequests
  logs(topic: string): readonly MemoryLog[]
  /** @throws ServiceError `not_found` */
  log(topic: string, partition: number): MemoryLog
}

/** The members of a group, who of them owns which partition, and what has been committed. */
export class MemoryGroup {
  readonly #surroundings: GroupSurroundings
  readonly #members: MemoryMember[] = []
  readonly #committed = new Map<string, number>()
  readonly #owned = new Map<string, MemoryPartition>()
  /** Drivers of processes that never come back. */
  readonly #dead = new WeakSet<object>()
  /** Rebalances run one after another. */
  #rebalancing: Promise<void> = Promise.resolve()

  constructor(surroundings: GroupSurroundings) {
    this.#surroundings = surroundings
  }

  /** What the group has committed of a partition; undefined before its first commit. */
  ownCommit(log: MemoryLog): number | undefined {
    return this.#committed.get(idOf(log))
  }

  /** Up to where the group is done with a partition; undefined when it does not read the topic. */
  committedOffset(log: MemoryLog): number | undefined {
    const committed = this.ownCommit(log)
    if (committed !== undefined) return committed
    return this.#members.some(({ membership }) => membership.topics.includes(log.topic)) ? 0 : undefined
  }

  async join(membership: Membership, owner: object): Promise<QueueMember> {
    const member: MemoryMember = new MemoryMember(membership, owner, {
      finish: (signal) => this.#finish(member, signal),
      remove: (signal) => this.#remove(member, signal),
    })
    await this.#enter(member)
    return member
  }

  async #enter(member: MemoryMember): Promise<void> {
    this.#commitStarts(member.membership)
    this.#members.push(member)
    await this.#rebalance()
    member.hasJoined()
  }

  /** Where the group begins in topics of which it has committed nothing. */
  #commitStarts({ starts = new Map() }: Membership): void {
    for (const [topic, start] of starts) {
      const logs = this.#surroundings.logs(topic)
      if (logs.some((log) => this.ownCommit(log) !== undefined)) continue
      for (const log of logs) this.#committed.set(idOf(log), log.offsetAt(start))
    }
  }

  /** Takes the members of a driver for dead. They learn of it after the time, and join again. */
  evict(owner: object, noticedAfterMs: number): void {
    if (noticedAfterMs === Number.POSITIVE_INFINITY) this.#dead.add(owner)
    for (const member of this.#members.filter((other) => other.owner === owner)) this.#evict(member, noticedAfterMs)
  }

  #evict(member: MemoryMember, noticedAfterMs: number): void {
    member.unnoticed = this.#ownedBy(member)
    for (const partition of member.unnoticed) {
      partition.fence()
      this.#owned.delete(partition.name)
    }
    this.#forget(member)
    void this.#rebalance()
    const notice = () => {
      if (this.#dead.has(member.owner)) return
      member.notice()
      if (!member.isLeaving) void this.#enter(member)
    }
    if (noticedAfterMs === 0) notice()
    else if (!this.#dead.has(member.owner)) setTimeout(notice, noticedAfterMs)
  }

  /** What another member will own is left to it. */
  async #finish(member: MemoryMember, signal: AbortSignal): Promise<void> {
    await this.#rebalancing
    const heirs = this.#members.filter((other) => other !== member && !other.isLeaving)
    const owned = this.#ownedBy(member).filter(
      ({ topic }) => !heirs.some(({ membership }) => membership.topics.includes(topic)),
    )
    await this.#surroundings.backlog.finish(owned, signal)
  }

  async #remove(member: MemoryMember, signal: AbortSignal): Promise<void> {
    member.notice()
    await giveUp(this.#ownedBy(member), signal)
    this.#forget(member)
    await this.#rebalance()
  }

  #forget(member: MemoryMember): void {
    const index = this.#members.indexOf(member)
    if (index >= 0) this.#members.splice(index, 1)
  }

  #ownedBy(member: MemoryMember): readonly MemoryPartition[] {
    return [...this.#owned.values()].filter(({ owner }) => owner === member)
  }

  #rebalance(): Promise<void> {
    this.#rebalancing = this.#rebalancing.then(() => this.#reassign())
    return this.#rebalancing
  }

  /** Partitions that keep their owner are not disturbed. */
  async #reassign(): Promise<void> {
    const plan = this.#plan()
    const leaving = [...this.#owned].filter(([id, { owner }]) => plan.get(id)?.owner !== owner)
    const bound = new AbortController()
    const timer = setTimeout(() => bound.abort(), this.#surroundings.revokeTimeoutMs)
    await giveUp(
      leaving.map(([, partition]) => partition),
      bound.signal,
    )
    clearTimeout(timer)
    for (const [id] of leaving) this.#owned.delete(id)
    for (const [id, { owner, log }] of plan) {
      // Who was taken for dead meanwhile owns nothing.
      if (this.#owned.has(id) || owner.state === 'draining' || !this.#members.includes(owner)) continue
      const { backlog, requests } = this.#surroundings
      const offsets = this.#committed
      const beside = (topic: string) => this.#surroundings.log(topic, log.partition)
      const changed = () => backlog.changed()
      const partition = new MemoryPartition(owner, { log, offsets, requests, beside, changed })
      this.#owned.set(id, partition)
      void owner.membership.consume(partition).finally(() => partition.settle())
    }
  }

  #plan(): ReadonlyMap<string, { readonly owner: MemoryMember; readonly log: MemoryLog }> {
    const plan = new Map<string, { readonly owner: MemoryMember; readonly log: MemoryLog }>()
    const topics = new Set(this.#members.flatMap(({ membership }) => membership.topics))
    for (const topic of topics) {
      const readers = this.#members.filter(({ membership }) => membership.topics.includes(topic))
      for (const log of this.#surroundings.logs(topic)) {
        const owner = readers[log.partition % readers.length]
        if (owner) plan.set(idOf(log), { owner, log })
      }
    }
    return plan
  }
}
