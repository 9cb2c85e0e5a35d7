import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import { type ConnectionSweeper, connectionSweeper, untilRead } from '@tenon/core/transport'

/** Follows the requests and connections of a server that somebody else made, so that they can be ended in an order that loses nothing. */
export class ServerTraffic {
  readonly #sockets = new Set<Socket>()
  readonly #replies = new Set<ServerResponse>()
  #isWithdrawn = false
  #emptied: PromiseWithResolvers<void> | undefined
  readonly #sweeper: ConnectionSweeper

  constructor(server: Server) {
    this.#sweeper = connectionSweeper(server, this.#sockets)
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
    void this.#sweeper.start()
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
    this.#sweeper.stop()
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
    this.#sweeper.replied()
    if (this.#replies.size > 0) return
    this.#emptied?.resolve()
    this.#emptied = undefined
  }
}

function askToLeave(reply: ServerResponse): void {
  if (!reply.headersSent) reply.setHeader('connection', 'close')
}
