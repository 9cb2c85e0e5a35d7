import type { AssignedPartition, Membership, MemberState, QueueMember, ReceivedRecord } from '../../queue-driver.ts'
import type { Backlog, BacklogPartition } from './memory-backlog.ts'
import type { MemoryLog } from './memory-log.ts'
import { giveUp, Ownership } from '../ownership.ts'

interface GroupSurroundings {
  readonly revokeTimeoutMs: number
  readonly backlog: Backlog
  logs(topic: string): readonly MemoryLog[]
}

/** The members of a group, who of them owns which partition, and what has been committed. */
export class MemoryGroup {
  readonly #surroundings: GroupSurroundings
  readonly #members: Member[] = []
  readonly #committed = new Map<string, number>()
  readonly #owned = new Map<string, OwnedPartition>()
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

  async join(membership: Membership): Promise<QueueMember> {
    const member = new Member(membership, {
      finish: (signal) => this.#finish(member, signal),
      remove: (signal) => this.#remove(member, signal),
    })
    this.#members.push(member)
    await this.#rebalance()
    member.hasJoined()
    return member
  }

  /** What another member will own is left to it. */
  async #finish(member: Member, signal: AbortSignal): Promise<void> {
    await this.#rebalancing
    const heirs = this.#members.filter((other) => other !== member && !other.isLeaving)
    const owned = this.#ownedBy(member).filter(
      ({ topic }) => !heirs.some(({ membership }) => membership.topics.includes(topic)),
    )
    await this.#surroundings.backlog.finish(owned, signal)
  }

  async #remove(member: Member, signal: AbortSignal): Promise<void> {
    await giveUp(this.#ownedBy(member), signal)
    const index = this.#members.indexOf(member)
    if (index >= 0) this.#members.splice(index, 1)
    await this.#rebalance()
  }

  #ownedBy(member: Member): readonly OwnedPartition[] {
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
      if (this.#owned.has(id) || owner.state === 'draining') continue
      const { backlog } = this.#surroundings
      const partition = new OwnedPartition(owner, { log, offsets: this.#committed, changed: () => backlog.changed() })
      this.#owned.set(id, partition)
      void owner.membership.consume(partition).finally(() => partition.settle())
    }
  }

  #plan(): ReadonlyMap<string, { readonly owner: Member; readonly log: MemoryLog }> {
    const plan = new Map<string, { readonly owner: Member; readonly log: MemoryLog }>()
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

/** What a member asks of its group. */
interface Leaving {
  finish(signal: AbortSignal): Promise<void>
  remove(signal: AbortSignal): Promise<void>
}

class Member implements QueueMember {
  readonly membership: Membership
  readonly #leaving: Leaving
  #state: MemberState = 'joining'
  #isFinishing = false

  constructor(membership: Membership, leaving: Leaving) {
    this.membership = membership
    this.#leaving = leaving
  }

  /** Whether it would only have to hand over again what it is given. */
  get isLeaving(): boolean {
    return this.#isFinishing || this.#state === 'draining' || this.#state === 'left'
  }

  get state(): MemberState {
    return this.#state
  }

  hasJoined(): void {
    if (this.#state === 'joining') this.#state = 'assigned'
  }

  async finish(signal: AbortSignal): Promise<void> {
    this.#isFinishing = true
    await this.#leaving.finish(signal)
  }

  async leave(signal: AbortSignal): Promise<void> {
    if (this.#state === 'left') return
    this.#state = 'draining'
    await this.#leaving.remove(signal)
    this.#state = 'left'
  }
}

interface PartitionSurroundings {
  readonly log: MemoryLog
  /** The group's commits. */
  readonly offsets: Map<string, number>
  /** Told when everything in the partition is committed. */
  changed(): void
}

class OwnedPartition extends Ownership implements AssignedPartition, BacklogPartition {
  readonly owner: Member
  readonly #log: MemoryLog
  readonly #offsets: Map<string, number>
  readonly #changed: () => void
  #position: number
  #wake: (() => void) | undefined

  constructor(owner: Member, { log, offsets, changed }: PartitionSurroundings) {
    super()
    this.owner = owner
    this.#log = log
    this.#offsets = offsets
    this.#changed = changed
    this.#position = offsets.get(idOf(log)) ?? 0
    const wake = () => this.#wake?.()
    log.watch(wake, this.revoked)
    this.revoked.addEventListener('abort', wake, { once: true })
  }

  get topic(): string {
    return this.#log.topic
  }

  get partition(): number {
    return this.#log.partition
  }

  get name(): string {
    return idOf(this.#log)
  }

  get isFinished(): boolean {
    const { firstOffset, endOffset } = this.#log
    return Math.max(firstOffset, this.#offsets.get(idOf(this.#log)) ?? 0) >= endOffset
  }

  async fetch(): Promise<readonly ReceivedRecord[]> {
    while (!this.revoked.aborted) {
      const records = this.#log.read(this.#position, fetchedAtOnceCount)
      const last = records.at(-1)
      if (last) {
        this.#position = last.offset + 1
        return records
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
    return []
  }

  commit(nextOffset: number): Promise<boolean> {
    if (this.lost.aborted) return Promise.resolve(false)
    this.#offsets.set(idOf(this.#log), nextOffset)
    if (this.isFinished) this.#changed()
    return Promise.resolve(true)
  }
}

const fetchedAtOnceCount = 500

function idOf({ topic, partition }: MemoryLog): string {
  return `${topic}/${partition}`
}
