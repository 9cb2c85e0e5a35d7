import type { Server } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { Server as TlsServer } from 'node:tls'
import { type CountedLine, countedLine, type Logger } from '@tenon/core/transport'

/** A guess: how often connections that have become idle are looked for while the rest still works. */
const sweepIntervalMs = 100

/** Knows the connections of a server, so that they can be ended in an order that loses nothing. */
export class Connections {
  readonly #server: Server
  /** Those that carry HTTP. */
  readonly #sockets = new Set<Socket>()
  /** Those below TLS. What is on its way through it must not be overtaken, so they are not ended but with it. */
  readonly #carriers = new Set<Socket>()
  readonly #sessions = new Set<ServerHttp2Session>()
  readonly #drops: CountedLine
  #sweeper: NodeJS.Timeout | undefined

  constructor(server: Server, log: Logger) {
    this.#server = server
    if (server instanceof TlsServer) {
      server.on('connection', (socket) => follow(this.#carriers, socket))
      server.on('secureConnection', (socket) => follow(this.#sockets, socket))
    } else server.on('connection', (socket) => follow(this.#sockets, socket))
    server.on('session', (session: ServerHttp2Session) => follow(this.#sessions, session))
    this.#drops = countedLine((droppedCount) =>
      log.warn(
        { connectionLimit: server.maxConnections, droppedCount },
        'connections beyond connectionLimit are closed',
      ),
    )
    server.on('drop', () => this.#drops.add())
  }

  /** Whether connections are ended as soon as they have nothing to do. */
  get isDraining(): boolean {
    return this.#sweeper !== undefined
  }

  /**
   * Ends what is idle, now and again until everything is closed. HTTP/2 callers are told by GOAWAY which of their requests were
   * taken; these are finished, any later one they may send elsewhere.
   *
   * @see RFC 9113 section 6.8
   */
  drain(): void {
    if (this.isDraining) return
    for (const session of this.#sessions) session.close()
    this.#sweep()
    this.#sweeper = setInterval(() => this.#sweep(), sweepIntervalMs).unref()
  }

  /** Ends everything. What is written already has this long to leave; with 0 it is cut. */
  async close(graceMs: number): Promise<void> {
    for (const session of this.#sessions) session.close()
    // The reset of a stream is written in the next turn; a caller who never saw it may take what it has for the whole.
    if (this.#sessions.size > 0) await setImmediate()
    for (const session of this.#sessions) session.destroy()
    for (const socket of this.#sockets) socket.destroySoon()
    if (graceMs > 0) await this.#emptied(graceMs)
    clearInterval(this.#sweeper)
    for (const socket of [...this.#sockets, ...this.#carriers]) socket.destroy()
    this.#drops.close()
  }

  /**
   * Node takes a reply for done when it has all of it, and its connection for idle, though the caller has yet to read. A connection
   * on which nothing has come yet is left too: its first request is on the way, and is to be answered.
   *
   * @see lib/_http_server.js of Node 24.21, closeIdleConnections
   */
  #sweep(): void {
    const busy = [...this.#sockets].filter(({ writableLength, bytesRead }) => writableLength > 0 || bytesRead === 0)
    for (const socket of busy) socket.destroy = () => socket
    this.#server.closeIdleConnections()
    for (const socket of busy) Reflect.deleteProperty(socket, 'destroy')
  }

  async #emptied(graceMs: number): Promise<void> {
    if (this.#sockets.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, graceMs)
    for (const socket of this.#sockets) {
      socket.once('close', () => {
        if (this.#sockets.size === 0) resolve()
      })
    }
    await promise
    clearTimeout(timer)
  }
}

/** Keeps what is open in the set. */
function follow<Open extends Socket | ServerHttp2Session>(all: Set<Open>, open: Open): void {
  all.add(open)
  open.once('close', () => all.delete(open))
}
