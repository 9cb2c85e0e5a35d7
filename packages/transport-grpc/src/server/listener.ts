import { createServer, type Server, type Socket } from 'node:net'

/** A port and the connections that came in on it, kept here because grpc-js hands none of them out to be cut. */
export class Listener {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(accept: (socket: Socket) => void) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
      accept(socket)
    })
  }

  /** The port. @throws Error of the system, when the address cannot be had. */
  listen(host: string, port: number): Promise<number> {
    const server = this.#server
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port }, () => {
        server.off('error', reject)
        const address = server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : port)
      })
    })
  }

  /** Accepts no more. Resolves when all connections are closed; at once when there never was one. */
  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  /** Cuts every connection, with whatever has not been sent. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}
