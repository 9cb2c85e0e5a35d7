import type { MessageOrder } from '@tenon/core/transport'
import { asBuffer } from '../../bytes.ts'
import type { ReceivedRecord } from '../../queue-driver.ts'
import type { OpenOffset } from '../commit/message-offsets.ts'
import type { RetryHistory } from '../retry-schedule.ts'
import type { Slots, Waiter } from './slots.ts'

/** A message that was taken, and where it stands among those of its partition. */
export interface OpenMessage {
  readonly record: ReceivedRecord
  readonly place: OpenOffset
  /** How it failed before it was set aside. */
  readonly history?: RetryHistory | undefined
}

/** A message with its lane. */
export interface LaneMessage extends OpenMessage {
  readonly lane: string
}

export interface LaneSurroundings {
  readonly slots: Slots
  /** Which messages wait for each other. */
  readonly order: MessageOrder
  /** Fires when nothing more is to be begun. */
  readonly revoked: AbortSignal
  /**
   * Sees a message through that has a place, and gives the place back. Calls `next` when the next message of its lane may come, and not
   * before it has returned.
   */
  handle(message: OpenMessage, next: () => void): void
  /** Told that all messages of a lane which others wait in are done with. */
  emptied?(lane: string): void
}

/**
 * Handles the messages of one lane one after another, and those of different lanes side by side: a lane for each key, one for all of the
 * partition, or one for each message, as the order says. A message takes next to nothing until
 * there is a place for it, since most of a fetch waits for one.
 */
export class KeyLanes {
  readonly #surroundings: OwnSurroundings
  readonly #order: MessageOrder
  readonly #emptied: LaneSurroundings['emptied']
  readonly #lanes = new Map<string, Lane>()
  #runningCount = 0
  #idle: PromiseWithResolvers<void> | undefined

  constructor({ slots, order, revoked, handle, emptied }: LaneSurroundings) {
    this.#order = order
    this.#emptied = emptied
    const counting = (message: OpenMessage, next: () => void) => {
      this.#runningCount += 1
      handle(message, next)
    }
    this.#surroundings = { slots, revoked, handle: counting }
  }

  /** Behind those of its lane. */
  add(message: OpenMessage): void {
    const name = laneOf(this.#order, message.record)
    const lane = name === undefined ? undefined : this.#lanes.get(name)
    if (lane) return lane.add(message)
    const opened = new Lane(message, this.#surroundings, (isEmpty) => this.#ended(name, isEmpty))
    if (name !== undefined) this.#lanes.set(name, opened)
    opened.goOn()
  }

  /** Gives back what waits in its key behind a message that is meant, with the lane. It was not begun. */
  takeBack(isMeant: (message: OpenMessage) => boolean): readonly LaneMessage[] {
    if (this.#order !== 'key') return []
    const back: LaneMessage[] = []
    for (const [lane, messages] of this.#lanes)
      for (const message of messages.takeBack(isMeant)) back.push({ ...message, lane })
    return back
  }

  /** Resolves when nothing runs. */
  async settled(): Promise<void> {
    while (this.#runningCount > 0) {
      this.#idle ??= Promise.withResolvers()
      await this.#idle.promise
    }
  }

  #ended(name: string | undefined, isEmpty: boolean): void {
    this.#runningCount -= 1
    if (name !== undefined && isEmpty) {
      this.#lanes.delete(name)
      this.#emptied?.(name)
    }
    if (this.#runningCount > 0) return
    this.#idle?.resolve()
    this.#idle = undefined
  }
}

/** In which lane a message waits; undefined for one of its own. */
export function laneOf(order: MessageOrder, record: Pick<ReceivedRecord, 'key'>): string | undefined {
  return laneNames[order](record)
}

type OwnSurroundings = Omit<LaneSurroundings, 'order' | 'emptied'>

/** A message without a key has no order, so among keys it waits for none. */
const laneNames = {
  key: ({ key }) => (key === null ? undefined : asBuffer(key).toString('latin1')),
  partition: () => '',
  none: () => undefined,
} as const satisfies Record<MessageOrder, (record: Pick<ReceivedRecord, 'key'>) => string | undefined>

/** Messages of which the first runs or waits for a place. */
class Lane implements Waiter {
  readonly signal: AbortSignal
  readonly #surroundings: OwnSurroundings
  /** What has its place. */
  #current: OpenMessage | undefined
  readonly #waiting: OpenMessage[]
  /** Told of the end of each message, and whether none is left. */
  readonly #ended: (isEmpty: boolean) => void

  constructor(first: OpenMessage, surroundings: OwnSurroundings, ended: (isEmpty: boolean) => void) {
    this.signal = surroundings.revoked
    this.#surroundings = surroundings
    this.#waiting = [first]
    this.#ended = ended
  }

  /** What is added to a lane that is empty already has to be told to go on. */
  add(message: OpenMessage): void {
    this.#waiting.push(message)
  }

  takeBack(isMeant: (message: OpenMessage) => boolean): readonly OpenMessage[] {
    return this.#current !== undefined && isMeant(this.#current) ? this.#waiting.splice(0) : []
  }

  /** Waits for a place for the next message. */
  goOn(): void {
    this.#surroundings.slots.seek(this)
  }

  granted(): void {
    const next = this.#waiting.shift()
    this.#current = next
    if (next !== undefined) this.#surroundings.handle(next, this.#next)
  }

  readonly #next = () => {
    this.#current = undefined
    const isEmpty = this.#waiting.length === 0
    this.#ended(isEmpty)
    if (!isEmpty) this.goOn()
  }
}
