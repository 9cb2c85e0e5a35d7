import type { AssignedPartition, ReceivedRecord } from '../../queue-driver.ts'
import { inTime } from '../in-time.ts'
import { Ownership } from '../ownership.ts'
import type { BacklogPartition } from './memory-backlog.ts'
import type { MemoryLog } from './memory-log.ts'
import type { MemoryMember } from './memory-member.ts'
import type { MemoryRequests } from './memory-requests.ts'

export interface PartitionSurroundings {
  readonly log: MemoryLog
  /** The group's commits. */
  readonly offsets: Map<string, number>
  readonly requests: MemoryRequests
  /** The partition of the same number of another topic. @throws ServiceError `not_found` */
  beside(topic: string): MemoryLog
  /** Told when everything in the partition is committed. */
  changed(): void
}

/** A partition that a member owns. */
export class MemoryPartition extends Ownership implements AssignedPartition, BacklogPartition {
  readonly owner: MemoryMember
  readonly #log: MemoryLog
  readonly #offsets: Map<string, number>
  readonly #requests: MemoryRequests
  readonly #beside: PartitionSurroundings['beside']
  readonly #changed: () => void
  /** What belongs to the partition elsewhere, as its owner has said by committing there. */
  readonly #besides = new Set<MemoryLog>()
  readonly #startOffset: number
  #position: number
  #wake: (() => void) | undefined
  #isFenced = false

  constructor(owner: MemoryMember, { log, offsets, requests, beside, changed }: PartitionSurroundings) {
    super()
    this.owner = owner
    this.#log = log
    this.#offsets = offsets
    this.#requests = requests
    this.#beside = beside
    this.#changed = changed
    this.#startOffset = Math.max(log.firstOffset, offsets.get(idOf(log)) ?? 0)
    this.#position = this.#startOffset
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
    return [this.#log, ...this.#besides].every((log) => this.#isDone(log))
  }

  /** Takes the partition away from a member that does not know yet: nobody waits for it, and its commits are refused. */
  fence(): void {
    this.#isFenced = true
    this.settle()
  }

  /** The member of a fenced partition learns that it is gone. */
  notice(): void {
    super.lose()
  }

  override revoke(): void {
    if (!this.#isFenced) super.revoke()
  }

  override lose(): void {
    if (!this.#isFenced) super.lose()
  }

  startOffset(): Promise<number> {
    return Promise.resolve(this.#startOffset)
  }

  async fetch(): Promise<readonly ReceivedRecord[]> {
    while (!this.revoked.aborted) {
      if (!this.#requests.isIdeal) await this.#requests.answering(this.revoked)
      const records = this.revoked.aborted ? [] : this.#log.read(this.#position, fetchedAtOnceCount)
      const last = records.at(-1)
      if (last) {
        this.#position = last.offset + 1
        return records
      }
      if (this.revoked.aborted) break
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
    return []
  }

  commit(nextOffset: number): Promise<boolean> {
    return this.#commit(this.#log, nextOffset)
  }

  async commitBeside(topic: string, nextOffset: number): Promise<boolean> {
    if (this.lost.aborted) return false
    const log = this.#beside(topic)
    this.#besides.add(log)
    return this.#commit(log, nextOffset)
  }

  #isDone(log: MemoryLog): boolean {
    return Math.max(log.firstOffset, this.#offsets.get(idOf(log)) ?? 0) >= log.endOffset
  }

  #commit(log: MemoryLog, nextOffset: number): Promise<boolean> {
    if (this.#requests.isIdeal) return Promise.resolve(this.#store(log, nextOffset))
    const store = () => this.#store(log, nextOffset)
    const bound = { timeoutMs: commitTimeoutMs, signal: this.lost }
    return inTime(bound, (over) => this.#requests.carryOut('commit', store, over))
  }

  #store(log: MemoryLog, nextOffset: number): boolean {
    if (this.lost.aborted || this.#isFenced) return false
    this.#offsets.set(idOf(log), nextOffset)
    if (this.isFinished) this.#changed()
    return true
  }
}

export function idOf({ topic, partition }: MemoryLog): string {
  return `${topic}/${partition}`
}

const fetchedAtOnceCount = 500
/** Bounds a commit while the broker is away. A guess. */
const commitTimeoutMs = 4_000
