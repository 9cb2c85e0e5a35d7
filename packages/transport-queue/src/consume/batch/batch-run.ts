import type { CallConvention } from '@tenon/core/telemetry'
import type { BatchArrival } from '@tenon/core/transport'
import type { BatchMessage } from './batcher.ts'

export interface BatchRunFacts {
  /** The transport's name. */
  readonly transport: string
  readonly messages: readonly BatchMessage[]
  readonly timeoutMs: number
  /** In epoch milliseconds. */
  readonly beganAt: number
  /** Told when the last message has left: nobody waits for the handler any more. */
  left(): void
}

/** A batch with its handler. */
export class BatchRun implements BatchArrival {
  readonly transport: string
  readonly isTrusted = true
  readonly isAccepted = true
  readonly messages: readonly GivenMessage[]
  readonly timeoutMs: number
  readonly beganAt: number
  readonly #left: () => void
  #remainingCount: number
  #abandonedCount = 0
  #controller: AbortController | undefined
  #quiet: PromiseWithResolvers<void> | undefined
  #hasBegun = false
  #hasEnded = false
  #isOvertaken = false

  constructor({ transport, messages, timeoutMs, beganAt, left }: BatchRunFacts) {
    this.transport = transport
    this.messages = messages.map((message) => this.#given(message))
    this.timeoutMs = timeoutMs
    this.beganAt = beganAt
    this.#left = left
    this.#remainingCount = messages.length
    for (const { call } of messages) call.joins(this)
  }

  /** Fires when all messages belong to others. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  /** That of the first: older events of the same consumer have topics of their own. */
  get convention(): CallConvention | undefined {
    return this.messages[0]?.arrival.convention
  }

  get messageCount(): number {
    return this.messages.length
  }

  /** Resolves when its handler does nothing more, at once when it was refused, or ended, before the handler could begin. */
  get quiet(): Promise<void> {
    if (this.#hasEnded || !this.#hasBegun) return Promise.resolve()
    this.#quiet ??= Promise.withResolvers()
    return this.#quiet.promise
  }

  ended(): void {
    this.#hasEnded = true
    this.#quiet?.resolve()
  }

  /** Another member may have one of its messages. */
  abandon(): void {
    this.#abandonedCount += 1
    if (this.#abandonedCount < this.messages.length) return
    this.#controller ??= new AbortController()
    this.#controller.abort()
  }

  /** How many are overtaken with the first that is. */
  overtake(): number | undefined {
    if (this.#isOvertaken) return undefined
    this.#isOvertaken = true
    return this.#remainingCount
  }

  /** One of its messages has an outcome, or nobody here waits for it any more. */
  leave(): void {
    this.#remainingCount -= 1
    if (this.#remainingCount === 0) this.#left()
  }
  /** Reading its payload is how the dispatcher begins. */
  #given({ call, payload }: BatchMessage): GivenMessage {
    const begin = () => {
      this.#hasBegun = true
    }
    return {
      arrival: call,
      get payload() {
        begin()
        return payload
      },
    }
  }
}

/** A message as the dispatcher takes it. */
interface GivenMessage {
  readonly payload: unknown
  readonly arrival: BatchMessage['call']
}
