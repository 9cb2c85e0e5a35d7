import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { Server as TlsServer } from 'node:tls'

/** A guess: how often connections that have become idle are looked for while the rest still works. The same as over our own HTTP. */
const sweepIntervalMs = 100

/** Follows the requests and connections of a server that somebody else made, so that they can be ended in an order that loses nothing. */
export class ServerTraffic {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #replies = new Set<ServerResponse>()
  #isWithdrawn = false
  #emptied: PromiseWithResolvers<void> | undefined
  #sweeper: NodeJS.Timeout | undefined
  #isSweeping = false

  constructor(server: Server) {
    this.#server = server
    server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    // Before the team's own listener, which may write the reply at once.
    server.prependListener('request', (request: IncomingMessage, reply: ServerResponse) => this.#enter(request, reply))
  }

  /** How many requests have no complete reply yet. */
  get count(): number {
    return this.#replies.size
  }

  /** Callers may stay. */
  welcome(): void {
    this.#isWithdrawn = false
  }

  /** From now on every reply whose head is not written asks its caller to leave. */
  withdraw(): void {
    this.#isWithdrawn = true
    for (const reply of this.#replies) askToLeave(reply)
  }

  /** Ends connections that are idle, now and again until everything is closed. */
  drain(): void {
    if (this.#sweeper !== undefined) return
    this.#sweeper = setInterval(() => void this.#sweep(), sweepIntervalMs).unref()
    void this.#sweep()
  }

  /** Resolves when no request is open, and none that has been received. */
  async emptied(): Promise<void> {
    await untilRead()
    if (this.#replies.size === 0) return
    this.#emptied ??= Promise.withResolvers()
    await this.#emptied.promise
  }

  /** Ends all connections, upgraded ones too. What is written already leaves; a request without a reply is cut. */
  close(): void {
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
    const cut = new Set([...this.#replies].map(({ req }) => req.socket))
    for (const socket of this.#sockets) {
      if (cut.has(socket)) socket.destroy()
      else socket.destroySoon()
    }
  }

  /** Cuts all connections that are left. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #enter({ socket }: IncomingMessage, reply: ServerResponse): void {
    this.#replies.add(reply)
    if (this.#isWithdrawn) askToLeave(reply)
    const leave = () => this.#leave(reply)
    reply.once('close', leave)
    if (reply.socket !== null) return
    // It waits behind another one of its connection; Node 22 does not close it with that.
    socket.setMaxListeners(0).once('close', leave)
    reply.once('close', () => socket.off('close', leave))
  }

  #leave(reply: ServerResponse): void {
    this.#replies.delete(reply)
    if (this.#replies.size > 0) return
    this.#emptied?.resolve()
    this.#emptied = undefined
  }

  /**
   * Node takes a reply for done when it has all of it, and its connection for idle, though the caller has yet to read; Node 26 also
   * one on which nothing has come yet, whose first request is on the way.
   *
   * @see lib/_http_server.js of Node 24.21, closeIdleConnections
   */
  async #sweep(): Promise<void> {
    if (this.#isSweeping) return
    this.#isSweeping = true
    await untilRead()
    this.#isSweeping = false
    const busy = [...this.#sockets].filter(({ writableLength, bytesRead }) => writableLength > 0 || bytesRead === 0)
    for (const socket of busy) socket.destroy = () => socket
    this.#server.closeIdleConnections()
    for (const socket of busy) Reflect.deleteProperty(socket, 'destroy')
  }
}

/**
 * Resolves when what has been received is read, so that a connection it came on is not idle: what is closed with something unread is
 * reset, and the request lost.
 *
 * @see RFC 9112 section 9.6; Node, "The Node.js event loop": poll comes right before check, where immediates run
 */
async function untilRead(): Promise<void> {
  // The first may be of a turn whose poll is over.
  await setImmediate()
  await setImmediate()
}

function askToLeave(reply: ServerResponse): void {
  if (!reply.headersSent) reply.setHeader('connection', 'close')
}
