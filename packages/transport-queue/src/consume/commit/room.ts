import { type Logger, unlessAborted } from '@tenon/core/transport'

export interface RoomOptions {
  readonly revoked: AbortSignal
  readonly log: Logger
  /** Whether all that may come again has been taken. */
  isFull(): boolean
  /** Lets go of what can be taken again later. Whether there was some. */
  letGo(): boolean
  /** It is waited for now. */
  awaited(): void
  /** Nothing more can be handled meanwhile. */
  stoodStill(): void
  /** What to say of it, and of the cause in words. */
  cause(): { readonly facts: object; readonly text: string }
}

/** The room for messages of a partition that have no stored outcome: where there is none, it waits for a commit. */
export class Room {
  readonly #options: RoomOptions
  #some: PromiseWithResolvers<void> | undefined
  #isStill = false
  #hindrance: string | undefined

  constructor(options: RoomOptions) {
    this.#options = options
  }

  get isAwaited(): boolean {
    return this.#some !== undefined
  }

  /** Whether it was waited for long enough for all that can be handled meanwhile. */
  get isStill(): boolean {
    return this.#isStill
  }

  /** What is waited for, in words, once somebody should know. */
  get hindrance(): string | undefined {
    return this.#hindrance
  }

  /** There may be some now. */
  look(): void {
    this.#some?.resolve()
  }

  /** Resolves when there is some, or the partition is given up. */
  async untilSome(): Promise<void> {
    const { isFull, letGo, awaited, revoked } = this.#options
    const still = setTimeout(() => this.#standStill(), stillAfterMs)
    const warning = setTimeout(() => this.#tell(), toldAfterMs)
    try {
      while (isFull() && !revoked.aborted) {
        if (letGo()) continue
        this.#some = Promise.withResolvers()
        awaited()
        await unlessAborted(this.#some.promise, revoked)
      }
    } finally {
      clearTimeout(still)
      clearTimeout(warning)
      this.#some = undefined
      this.#isStill = false
      this.#hindrance = undefined
    }
  }

  #standStill(): void {
    this.#isStill = true
    this.#options.stoodStill()
  }

  #tell(): void {
    const { facts, text } = this.#options.cause()
    const what = `stands still until there is room in maxUncommittedCount, for ${text}`
    this.#hindrance = `it ${what}`
    this.#options.log.warn(facts, `the partition ${what}`)
  }
}

/** A fast partition is full for a moment, until its commit is stored; one that is for longer stands still. A guess. */
const stillAfterMs = 1_000
/** After which that is told. A guess. */
const toldAfterMs = 10_000
