import type { Membership, MemberState, QueueMember } from '../../queue-driver.ts'
import { orAborted, whileCuttable, within } from '../../wait.ts'
import { ClassicMembership } from './platformatic-classic.ts'
import type { PlatformaticClient } from '../platformatic-wire/platformatic-client.ts'
import { ConsumerMembership } from './platformatic-consumer.ts'
import { PlatformaticGroup } from '../platformatic-wire/platformatic-group.ts'
import { PlatformaticHoldings } from './platformatic-holdings.ts'
import type { PlatformaticMembership } from './platformatic-membership.ts'
import type { TopicPartitions } from '../platformatic-wire/platformatic-offsets.ts'
import type { PlatformaticSettings } from '../platformatic-wire/platformatic-options.ts'

interface MemberSurroundings {
  readonly membership: Membership
  readonly settings: PlatformaticSettings
  /** The member's own, which it closes. */
  readonly client: PlatformaticClient
}

/** A member of a group over single requests of the library: its own consumer tells of a rebalance only when it has joined again. */
export class PlatformaticMember implements QueueMember {
  readonly #membership: Membership
  readonly #client: PlatformaticClient
  readonly #holdings: PlatformaticHoldings
  readonly #inGroup: PlatformaticMembership
  readonly #joined = Promise.withResolvers<void>()
  readonly #leavingNow = new AbortController()
  readonly #ended = new AbortController()
  readonly #cut = new AbortController()
  #state: MemberState = 'joining'
  #hasJoined = false
  #running: Promise<void> = Promise.resolve()
  #leaving: Promise<void> | undefined

  constructor({ membership, settings, client }: MemberSurroundings) {
    this.#membership = membership
    this.#client = client
    this.#joined.promise.catch(() => undefined)
    const group = new PlatformaticGroup(client, settings, membership)
    this.#holdings = new PlatformaticHoldings(group)
    const Rules = settings.groupProtocol === 'consumer' ? ConsumerMembership : ClassicMembership
    this.#inGroup = new Rules({
      group,
      holdings: this.#holdings,
      leaving: this.#leavingNow.signal,
      ended: this.#ended.signal,
      joined: (assignment) => this.#hasPartitions(assignment),
      joining: () => {
        if (this.#state === 'assigned') this.#state = 'joining'
      },
    })
  }

  get state(): MemberState {
    return this.#state
  }

  async join(signal: AbortSignal): Promise<void> {
    this.#running = this.#inGroup.run().catch((error: unknown) => this.#fail(error))
    await orAborted(this.#joined.promise, signal)
  }

  async leave(signal: AbortSignal): Promise<void> {
    const leaving = () => (this.#leaving ??= this.#leave())
    await whileCuttable(leaving, signal, () => this.#cut.abort())
  }

  async #leave(): Promise<void> {
    if (this.#state !== 'failed') this.#state = 'draining'
    this.#leavingNow.abort()
    await this.#holdings.giveUp(this.#holdings.held, this.#cut.signal)
    this.#holdings.end()
    this.#ended.abort()
    const timeoutMs = this.#cut.signal.aborted ? cutLeaveTimeoutMs : leaveTimeoutMs
    await within(this.#inGroup.leave(), timeoutMs, 'still in the group').catch(() => undefined)
    await within(this.#client.close(), timeoutMs, 'still connected').catch(() => undefined)
    await within(this.#running, timeoutMs, 'still joining').catch(() => undefined)
    this.#state = 'left'
  }

  #hasPartitions(assignment: readonly TopicPartitions[]): void {
    if (this.#leaving) return
    this.#state = 'assigned'
    this.#membership.log.info({ group: this.#membership.group, assignment }, 'joined the consumer group')
    this.#hasJoined = true
    this.#joined.resolve()
  }

  #fail(error: unknown): void {
    this.#holdings.lose()
    if (this.#leaving) return
    this.#state = 'failed'
    if (this.#hasJoined) this.#membership.fail(error)
    else this.#joined.reject(error)
  }
}

/** How long an orderly end may take, when the brokers are away. */
const leaveTimeoutMs = 3_000
const cutLeaveTimeoutMs = 1_000
