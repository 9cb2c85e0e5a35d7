import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { ServiceError } from '@tenon/core/transport'
import { lostBody, tooLate } from './read-body.ts'
import { SharedBytes } from './shared-bytes.ts'
import { WaitingBytes } from './waiting-bytes.ts'

/**
 * Most that is read of a body before anybody asks for it. A guess: as much as a sender's system takes from it before it waits, so
 * that what a caller had written when it left is read to its end.
 *
 * @see Linux, tcp(7): the largest tcp_wmem is 4 MiB
 */
export const aheadBytes = 4_194_304

/** What any body may read ahead, however much all others do. @see Node.js, stream.getDefaultHighWaterMark() */
export const ownBytes = 65_536

/** Most that all bodies of the process read ahead together, beyond their own. A guess. */
const sharedBytes = 67_108_864

/** How long a caller may be held back before it is given up, when nothing is asked for meanwhile. A guess. */
export const stalledMs = 600_000

/**
 * The pump of a body, the same for whoever asks. Node does not see a caller leave while bytes of it wait unread, so the pump
 * reads on when nobody asks, as far as memory allows; what it has read then is all that holds the caller back.
 */
export function pumpOf(payload: Readable): BodyPump {
  let pump = pumps.get(payload)
  if (pump === undefined) pumps.set(payload, (pump = new BodyPump(payload, shared)))
  return pump
}

/** How much of a body has come, as long as it was kept; undefined where nobody began to read it. */
export function receivedBytesOf(payload: Readable): number | undefined {
  return pumps.get(payload)?.receivedBytes
}

/** Pumps a body until its request is answered, so that its caller is seen to leave meanwhile. */
export function pumpUntilAnswered(payload: Readable, reply: ServerResponse): void {
  const pump = pumpOf(payload)
  const drop = () => pump.drop()
  reply.once('prefinish', drop).once('close', drop)
  pump.onStalled(() => reply.req.destroy())
}

/** The same items; each that is asked for shows that the caller who sends them is still wanted. */
export function askingFor(items: AsyncIterable<unknown>, payload: Readable): AsyncIterable<unknown> {
  const pump = pumpOf(payload)
  return {
    [Symbol.asyncIterator]() {
      const iterator = items[Symbol.asyncIterator]()
      const next = () => {
        pump.ask()
        return iterator.next()
      }
      return { next, return: async () => (await iterator.return?.()) ?? { done: true, value: undefined } }
    },
  }
}

const shared = new SharedBytes(sharedBytes)
const pumps = new WeakMap<Readable, BodyPump>()

export class BodyPump {
  readonly #payload: Readable
  readonly #shared: SharedBytes
  readonly #waiting = new WaitingBytes()
  #receivedBytes = 0
  #borrowedBytes = 0
  #isFull = false
  #isDropped = false
  #idleTimeoutMs: number | undefined
  #failure: ServiceError | undefined
  #giveUp: () => void = nothing
  #timer: NodeJS.Timeout | undefined
  #wake: () => void = nothing

  constructor(payload: Readable, memory: SharedBytes) {
    this.#payload = payload
    this.#shared = memory
    const woken = () => this.#wake()
    // It may fail while nobody waits for it.
    payload.on('error', woken).on('end', woken).on('close', woken).on('data', this.#keep)
  }

  /** How much has come, whether somebody asked for it or not, until nothing was kept any more. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** Whom to tell when the caller is held back and nobody asks for anything any more: there is no knowing whether it is there. */
  onStalled(giveUp: () => void): void {
    this.#giveUp = giveUp
  }

  /** Says that something of the body is asked for, which may be in bytes that were given already. */
  ask(): void {
    this.#timer?.refresh()
  }

  /** Ends the body when it is asked for bytes and none comes for so long. */
  limitIdle(idleTimeoutMs: number): void {
    this.#idleTimeoutMs = idleTimeoutMs
  }

  /**
   * The next bytes, or undefined at the end. One asks at a time.
   *
   * @throws ServiceError `cancelled` when the caller left before the end of the body, `deadline_exceeded` when it sent nothing for too long.
   */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const piece = this.#waiting.take()
      if (piece !== undefined) {
        this.#account()
        return piece
      }
      if (this.#isDropped) throw this.#failure ?? lostBody(null)
      if (this.#payload.readableEnded) return undefined
      if (this.#payload.destroyed) throw lostBody(this.#payload.errored)
      await this.#woken()
    }
  }

  /** Keeps nothing from here on: what has come and what still comes is for nobody. */
  drop(): void {
    if (this.#isDropped) return
    this.#isDropped = true
    this.#waiting.clear()
    this.#account()
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#payload.off('data', this.#keep)
    this.#payload.resume()
    this.#wake()
  }

  async #woken(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const timer = this.#idleTimeoutMs === undefined ? undefined : setTimeout(this.#endIdle, this.#idleTimeoutMs).unref()
    await promise
    clearTimeout(timer)
  }

  readonly #endIdle = (): void => {
    this.#failure = tooLate()
    this.drop()
  }

  readonly #keep = (chunk: Buffer | string): void => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    this.#receivedBytes += bytes.length
    this.#waiting.add(bytes)
    this.#account()
    this.#wake()
  }

  #account(): void {
    const borrowedBytes = Math.max(0, this.#waiting.costBytes - ownBytes)
    this.#shared.take(borrowedBytes - this.#borrowedBytes)
    this.#borrowedBytes = borrowedBytes
    this.#flow()
  }

  readonly #flow = (): void => {
    const isShort = this.#borrowedBytes > 0 && this.#shared.leftBytes <= 0
    const isFull = !this.#isDropped && (isShort || this.#waiting.costBytes >= aheadBytes)
    if (isFull && isShort) this.#shared.whenSome(this.#flow)
    if (isFull === this.#isFull) return
    this.#isFull = isFull
    if (!isFull) {
      this.#shared.off(this.#flow)
      this.#payload.resume()
      return
    }
    this.#payload.pause()
    if (this.#timer) this.#timer.refresh()
    else this.#timer = setTimeout(this.#stall, stalledMs).unref()
  }

  readonly #stall = (): void => {
    if (this.#isFull) this.#giveUp()
  }
}

function nothing(): void {}
