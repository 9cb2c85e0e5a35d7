import { ServiceError } from '@tenon/core'
import { type ChannelState, type ClientChannel, markNotSent, type OutgoingCall } from '@tenon/core/client'
import type { Reply, SimulatedInstance } from './simulated-instance.ts'
import type { SimulatedTime } from './simulated-time.ts'

export interface ChannelOptions {
  readonly time: SimulatedTime
  /** Is told of each call that is sent, and of each connection that cannot be made. */
  readonly noteAttempt: () => void
}

/** A connection of one client to one instance; it stands to it as those of real transports do. */
export class SimulatedChannel implements ClientChannel {
  readonly #instance: SimulatedInstance
  readonly #time: SimulatedTime
  readonly #noteAttempt: () => void
  #failingUntilMs = Number.NEGATIVE_INFINITY

  constructor(instance: SimulatedInstance, { time, noteAttempt }: ChannelOptions) {
    this.#instance = instance
    this.#time = time
    this.#noteAttempt = noteAttempt
  }

  state(): ChannelState {
    return this.#time.nowMs() < this.#failingUntilMs ? 'failing' : 'ready'
  }

  unary(_operation: unknown, _input: unknown, { timeoutMs, signal }: OutgoingCall): Promise<unknown> {
    this.#noteAttempt()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let isOver = false
    const end = (settle: () => void) => {
      if (isOver) return
      isOver = true
      forget?.()
      this.#time.hasSettled()
      settle()
    }
    this.#instance.take({
      isGivenUp: () => isOver,
      reply: (reply) => end(() => (reply === 'answered' ? resolve() : reject(this.#errorOf(reply)))),
    })
    const expire = () => end(() => reject(new ServiceError('deadline_exceeded', 'no answer came')))
    signal?.addEventListener('abort', () =>
      end(() => reject(new ServiceError('cancelled', 'nobody waits', { cause: signal.reason }))),
    )
    const forget = timeoutMs === undefined ? undefined : this.#time.after(timeoutMs, expire)
    return promise
  }

  serverStream(): never {
    throw new Error('there are no streams here')
  }

  clientStream(): never {
    throw new Error('there are no streams here')
  }

  bidiStream(): never {
    throw new Error('there are no streams here')
  }

  async close(): Promise<void> {}

  #errorOf(reply: Exclude<Reply, 'answered'>): ServiceError {
    if (reply === 'refused') return new ServiceError('resource_exhausted', 'too many calls')
    if (reply === 'failed') return new ServiceError('unavailable', 'it fails')
    this.#failingUntilMs = this.#time.nowMs() + retryMs
    return markNotSent(new ServiceError('unavailable', 'no connection'))
  }
}

/** As over HTTP: how long a channel that could not connect is not tried. */
const retryMs = 1_000
