import { ServiceError } from '../error/service-error.ts'
import { requireRunning } from './call-bounds.ts'
import type { ClientChannel, OutgoingCall } from './client-transport.ts'

/** The addresses that a call was tried with, and what is left of its time. */
export class Attempts {
  readonly tried = new Set<ClientChannel>()
  readonly #call: OutgoingCall
  readonly #endsAtMs: number | undefined

  constructor(call: OutgoingCall) {
    const { timeoutMs } = call
    this.#call = call
    this.#endsAtMs = timeoutMs === undefined ? undefined : performance.now() + timeoutMs
  }

  begin(channel: ClientChannel): OutgoingCall {
    this.tried.add(channel)
    return this.left()
  }

  /** The call as of now. */
  left(): OutgoingCall {
    if (this.#endsAtMs === undefined) return this.#call
    return { ...this.#call, timeoutMs: Math.max(0, this.#endsAtMs - performance.now()) }
  }

  /** Lets a moment pass, but no more than what is left. @throws ServiceError `deadline_exceeded` or `cancelled` */
  pause(closing: AbortSignal): Promise<void> {
    return this.wait(never, closing, askAgainMs)
  }

  /** Waits for something, but no longer than what is left, nor than the limit. @throws ServiceError `deadline_exceeded` or `cancelled` */
  async wait(awaited: Awaited, closing: AbortSignal, limitMs: number): Promise<void> {
    const { timeoutMs = limitMs, signal } = this.left()
    await elapsed(Math.min(limitMs, timeoutMs), { awaited, signals: signal ? [signal, closing] : [closing] })
    if (closing.aborted) throw new ServiceError('cancelled', 'the client was closed')
    requireRunning(this.left())
  }
}

/** How often channels are asked on behalf of a call that waits. A guess: below the back-off of `grpcClient()`. */
const askAgainMs = 50

/** Calls the listener when it has come, until that is disposed of. */
type Awaited = (listener: () => void) => Disposable

const never: Awaited = () => ({ [Symbol.dispose]: () => undefined })

interface Sooner {
  readonly awaited: Awaited
  readonly signals: readonly AbortSignal[]
}

/** Sooner when a signal is fired, or what is awaited has come. */
async function elapsed(waitMs: number, { awaited, signals }: Sooner): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const finish = () => resolve()
  const timer = setTimeout(finish, waitMs)
  const waiting = awaited(finish)
  for (const signal of signals) signal.addEventListener('abort', finish, { once: true })
  if (signals.some(({ aborted }) => aborted)) finish()
  await promise
  clearTimeout(timer)
  waiting[Symbol.dispose]()
  for (const signal of signals) signal.removeEventListener('abort', finish)
}
