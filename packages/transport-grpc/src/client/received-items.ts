import { setImmediate } from 'node:timers/promises'
import { type StatusObject, status } from '@grpc/grpc-js'
import type { ServiceError } from '@tenon/core/transport'
import { fromStatus } from '../wire/grpc-status.ts'

/** A call that answers with any number of messages. */
export interface ReceivingCall {
  on(event: 'data', listener: (message: Buffer) => void): unknown
  on(event: 'end', listener: () => void): unknown
  on(event: 'status', listener: (status: StatusObject) => void): unknown
  pause(): unknown
  resume(): unknown
}

/**
 * The messages of a call that still sends. They are taken from grpc-js as they come, and wait here for their reader, because
 * grpc-js hides the end of a call behind messages that nobody has taken, and throws these away when something is
 * written after that end. While too many wait here, and some are left there, nothing may be written.
 *
 * @see @grpc/grpc-js 1.14, subchannel-call.js: sendMessageWithContext() and endCall()
 */
export class ReceivedItems {
  readonly #call: ReceivingCall
  readonly #toError: (status: StatusObject) => ServiceError
  readonly #queue: Buffer[] = []
  #queuedBytes = 0
  #isPaused = false
  #caughtUp: PromiseWithResolvers<void> | undefined
  #status: StatusObject | undefined
  #hasEnded = false
  #wake: () => void = () => undefined

  constructor(call: ReceivingCall, toError: (status: StatusObject) => ServiceError = fromStatus) {
    this.#call = call
    this.#toError = toError
    call.on('data', (message) => this.#keep(message))
    call.on('status', (given) => {
      this.#status = given
    })
    call.on('end', () => {
      this.#hasEnded = true
      this.#wake()
    })
  }

  /** Resolves when nothing is left with grpc-js; undefined when that is so already. */
  get caughtUp(): Promise<void> | undefined {
    return this.#caughtUp?.promise
  }

  /** @throws ServiceError with what the remote said at the end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      const message = this.#queue.shift()
      if (message !== undefined) {
        this.#queuedBytes -= message.length + itemBytes
        if (this.#isPaused && this.#queuedBytes < largestQueueBytes / 2) void this.#catchUp()
        yield message
      } else if (this.#hasEnded) break
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
    if (this.#status && this.#status.code !== status.OK) throw this.#toError(this.#status)
  }

  #keep(message: Buffer): void {
    this.#queue.push(message)
    this.#queuedBytes += message.length + itemBytes
    if (this.#queuedBytes >= largestQueueBytes && !this.#isPaused) {
      this.#caughtUp ??= Promise.withResolvers()
      this.#isPaused = true
      this.#call.pause()
    }
    this.#wake()
  }

  async #catchUp(): Promise<void> {
    this.#isPaused = false
    this.#call.resume()
    // What has come in is handed out tick by tick, all before immediates run.
    await setImmediate()
    if (this.#isPaused) return
    this.#caughtUp?.resolve()
    this.#caughtUp = undefined
  }
}

/** As much as a window of HTTP/2. @see RFC 9113 section 6.9.2 */
const largestQueueBytes = 65_536
/** What keeping a message costs, however small it is. A guess. */
const itemBytes = 64
