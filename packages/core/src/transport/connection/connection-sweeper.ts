import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { untilRead } from './until-read.ts'

/** Ends idle connections of a server over HTTP/1, so that no request on them is lost, while others go on. */
export interface ConnectionSweeper {
  /** Whether connections are ended as soon as they have nothing to do. */
  readonly isSweeping: boolean
  /**
   * Ends what is idle, now and again until it is stopped. Requests that have come by now are served before. Resolves when those that
   * were idle have been looked at; may be called twice.
   */
  start(): Promise<void>
  /** A reply is over: its connection may be idle now, though its head said that it is kept. */
  replied(): void
  /** Leaves connections alone from now on; it may start again. */
  stop(): void
}

/**
 * For transports whose server is one of Node's. It starts with `start`, not before.
 *
 * @param sockets The open connections of the server that carry HTTP: with TLS, those above it.
 */
export function connectionSweeper(
  server: Pick<Server, 'closeIdleConnections'>,
  sockets: ReadonlySet<Socket>,
): ConnectionSweeper {
  return new Sweeper(server, sockets)
}

/** A guess: how long requests that come when a drain is over may take, and the last replies to leave. */
export const lastRepliesMs = 200

/** A guess: how often is looked for connections whose caller took long to read the last reply. Others are ended with it. */
const sweepIntervalMs = 100

class Sweeper implements ConnectionSweeper {
  readonly #server: Pick<Server, 'closeIdleConnections'>
  readonly #sockets: ReadonlySet<Socket>
  #timer: NodeJS.Timeout | undefined
  #isLooking = false

  constructor(server: Pick<Server, 'closeIdleConnections'>, sockets: ReadonlySet<Socket>) {
    this.#server = server
    this.#sockets = sockets
  }

  get isSweeping(): boolean {
    return this.#timer !== undefined
  }

  async start(): Promise<void> {
    this.#timer ??= setInterval(() => void this.#sweep(), sweepIntervalMs).unref()
    await this.#sweep()
  }

  replied(): void {
    if (this.isSweeping) void this.#sweep()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /**
   * Node takes a reply for done when it has all of it, and its connection for idle, though the caller has yet to read. A connection
   * on which nothing has come yet is left too: its first request is on the way, and is to be answered.
   *
   * @see lib/_http_server.js of Node 24.21, closeIdleConnections
   */
  async #sweep(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    await untilRead()
    this.#isLooking = false
    if (!this.isSweeping) return
    const busy = [...this.#sockets].filter(({ writableLength, bytesRead }) => writableLength > 0 || bytesRead === 0)
    for (const socket of busy) socket.destroy = () => socket
    this.#server.closeIdleConnections()
    for (const socket of busy) Reflect.deleteProperty(socket, 'destroy')
  }
}
