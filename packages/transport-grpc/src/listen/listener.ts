import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, Server as TlsServer } from 'node:tls'
import { type CountedLine, countedLine, type Logger, secureServer } from '@tenon/core/transport'
import type { GrpcSettings } from '../grpc-options.ts'
import { listenAtPath } from './listen-at-path.ts'

/** A port or a path and the connections that came in on it, kept here because grpc-js hands none of them out to be cut. */
export class Listener {
  readonly #server: Server
  readonly #settings: GrpcSettings
  readonly #log: Logger
  readonly #drops: CountedLine
  readonly #sockets = new Set<Socket>()
  /** Those whose TLS is not there yet, by their far end. */
  readonly #handshaking = new Map<string, Socket>()
  #certificate: Disposable | undefined

  constructor(settings: GrpcSettings, log: Logger, accept: (socket: Socket) => void) {
    this.#settings = settings
    this.#log = log
    this.#server = settings.tls === undefined ? createServer(accept) : this.#createTlsServer(accept)
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    const { maxConnections } = settings
    if (maxConnections !== undefined) this.#server.maxConnections = maxConnections
    this.#drops = countedLine((droppedCount) =>
      log.warn({ maxConnections, droppedCount }, 'connections beyond maxConnections are closed'),
    )
    this.#server.on('drop', () => this.#drops.add())
  }

  /**
   * The port; 0 for a path.
   *
   * @throws ConfigError `config.malformed` when a certificate cannot be used; Error of the system, when the address cannot be had.
   */
  async listen(): Promise<number> {
    const { host, port, path, pathMode, tls } = this.#settings
    const server = this.#server
    if (tls !== undefined && server instanceof TlsServer) this.#certificate = await secureServer(server, tls, this.#log)
    if (path !== undefined) {
      await listenAtPath(server, path, pathMode)
      return 0
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', reject).listen({ host, port }, resolve)
    await promise
    server.off('error', reject)
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : port
  }

  /** Accepts no more. Resolves when all connections are closed; at once when there never was one. */
  close(): Promise<void> {
    this.#certificate?.[Symbol.dispose]()
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#drops.close()
    // Nothing has been asked on them, and nothing will be answered.
    for (const socket of this.#handshaking.values()) socket.destroy()
    return closed
  }

  /** Cuts every connection, with whatever has not been sent. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #createTlsServer(accept: (socket: Socket) => void): TlsServer {
    const { tls, handshakeTimeoutMs } = this.#settings
    const server = createTlsServer({
      minVersion: tls?.minVersion,
      requestCert: tls?.clientCertificate !== 'none',
      rejectUnauthorized: tls?.clientCertificate === 'require',
      handshakeTimeout: handshakeTimeoutMs,
      ALPNProtocols: ['h2'],
    })
    server.on('connection', (socket: Socket) => {
      this.#handshaking.set(farEnd(socket), socket)
      socket.once('close', () => this.#handshaking.delete(farEnd(socket)))
    })
    // Node leaves the connection to whoever listens, also when the handshake has taken too long.
    server.on('tlsClientError', (_error, socket) => socket.destroy())
    return server.on('secureConnection', (socket) => {
      this.#handshaking.delete(farEnd(socket))
      // Node leaves errors of TLS to whoever made the connection. @see nodejs/node#35824
      socket.on('error', () => undefined)
      accept(socket)
    })
  }
}

/** Unique among open connections, except for those of Unix sockets, which have no far end; these wait for their time limit. */
function farEnd({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
