import type { Membership, MemberState, QueueMember } from '../../queue-driver.ts'
import type { MemoryPartition } from './memory-partition.ts'

/** What a member asks of its group. */
export interface Leaving {
  finish(signal: AbortSignal): Promise<void>
  remove(signal: AbortSignal): Promise<void>
}

export class MemoryMember implements QueueMember {
  readonly membership: Membership
  /** The driver that it joined through. */
  readonly owner: object
  readonly #leaving: Leaving
  #state: MemberState = 'joining'
  #isFinishing = false
  /** Taken from it without its knowing yet. */
  unnoticed: readonly MemoryPartition[] = []

  constructor(membership: Membership, owner: object, leaving: Leaving) {
    this.membership = membership
    this.owner = owner
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

  /** Learns that the group goes on without it. */
  notice(): void {
    for (const partition of this.unnoticed) partition.notice()
    this.unnoticed = []
    if (this.#state === 'assigned') this.#state = 'joining'
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
