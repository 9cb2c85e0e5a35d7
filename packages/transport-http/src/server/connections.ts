import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { Server as TlsServer } from 'node:tls'
import {
  type ConnectionSweeper,
  connectionSweeper,
  type CountedLine,
  countedLine,
  type Logger,
  untilRead,
  withdrawSession,
} from '@tenon/core/transport'
import { isHttp2 } from './http2-request.ts'
import { refuseRequest } from './refuse-request.ts'
import { beyondLimit, reserve } from './reserve.ts'

export interface ConnectionsOptions {
  readonly log: Logger
  /** Those beyond it are taken only where there are probes, and for probes only. @defaultValue no limit */
  readonly connectionLimit?: number | undefined
}

/** Knows the connections of a server, so that they can be ended in an order that loses nothing. */
export class Connections {
  readonly #server: Server
  /** Those that carry HTTP. */
  readonly #sockets = new Set<Socket>()
  /** Those below TLS. What is on its way through it must not be overtaken, so they are not ended but with it. */
  readonly #carriers = new Set<Socket>()
  readonly #sessions = new Set<ServerHttp2Session>()
  readonly #drops: CountedLine
  readonly #sweeper: ConnectionSweeper

  constructor(server: Server, { log, connectionLimit = Number.POSITIVE_INFINITY }: ConnectionsOptions) {
    this.#server = server
    this.#sweeper = connectionSweeper(server, this.#sockets)
    const carryHttp = (socket: Socket) => {
      follow(this.#sockets, socket)
      if (this.#sockets.size > connectionLimit) reserve(socket)
    }
    if (server instanceof TlsServer) {
      server.on('connection', (socket) => follow(this.#carriers, socket))
      server.on('secureConnection', carryHttp)
    } else server.on('connection', carryHttp)
    server.on('session', (session: ServerHttp2Session) => follow(this.#sessions, session))
    this.#drops = countedLine((droppedCount) =>
      log.warn({ connectionLimit, droppedCount }, 'connections beyond connectionLimit are closed'),
    )
    server.on('drop', () => this.#drops.add())
  }

  /** Answers a request on a connection beyond the limit that is no probe, and closes the connection. */
  refuse(request: IncomingMessage, reply: ServerResponse): void {
    this.#drops.add()
    refuseRequest(request, reply, beyondLimit())
    if (isHttp2(request)) request.stream.session?.close()
  }

  /** Whether connections are ended as soon as they have nothing to do. */
  get isDraining(): boolean {
    return this.#sweeper.isSweeping
  }

  /**
   * Ends what is idle, now and again until everything is closed; requests that have come by now are served before. HTTP/2 callers
   * are told by GOAWAY which of their requests were taken; these are finished, any later one they may send elsewhere.
   *
   * @see RFC 9113 section 6.8
   */
  drain(): void {
    if (this.isDraining) return
    const sessions = [...this.#sessions]
    void this.#sweeper.start().then(() => {
      for (const session of sessions) void withdrawSession(session, tellMs).then(() => session.close())
    })
  }

  /** A reply is over: its connection may be idle now, though its head said that it is kept. */
  replied(): void {
    this.#sweeper.replied()
  }

  /** Takes no more connections. Requests that have come by now are served. */
  async refuseNew(): Promise<void> {
    await untilRead()
    // Node ends idle connections here too.
    if (this.#server.listening) this.#server.close()
  }

  /** Ends everything. What is written already has this long to leave; with 0 it is cut. */
  async close(graceMs: number): Promise<void> {
    for (const session of this.#sessions) session.close()
    // The reset of a stream is written in the next turn; a caller who never saw it may take what it has for the whole.
    if (this.#sessions.size > 0) await setImmediate()
    for (const session of this.#sessions) session.destroy()
    for (const socket of this.#sockets) socket.destroySoon()
    if (graceMs > 0) await this.#emptied(graceMs)
    this.#sweeper.stop()
    for (const socket of [...this.#sockets, ...this.#carriers]) socket.destroy()
    this.#drops.close()
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

/** How long a caller over HTTP/2 may take to say that it has heard, in milliseconds. A guess: more than a round trip. */
const tellMs = 100

/** Keeps what is open in the set. */
function follow<Open extends Socket | ServerHttp2Session>(all: Set<Open>, open: Open): void {
  all.add(open)
  open.once('close', () => all.delete(open))
}
