import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A way to a server that can be harmed. */
export class TcpLink implements AsyncDisposable {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #open = new Map<Socket, Way>()
  #server: Server
  #port = 0
  #delayMs = 0
  #isFrozen = false
  /** Bytes that came from the server, and went to it. */
  readonly bytes = { fromServer: 0, toServer: 0 }

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target
    this.#server = createServer((socket) => this.#accept(socket))
  }

  static async open(target: { readonly host: string; readonly port: number }): Promise<TcpLink> {
    const link = new TcpLink(target)
    await link.#listen()
    return link
  }

  /** `host:port`, the same for as long as it lives. */
  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  connectionCount(): number {
    return this.#open.size
  }

  /** Closes all connections and refuses new ones. */
  async cut(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.closeAll()
    await closed
  }

  /** Closes all connections; new ones are accepted. */
  closeAll(): void {
    for (const socket of this.#open.keys()) socket.destroy()
  }

  /** Bytes vanish, on connections that are there and on new ones. */
  async freeze(): Promise<void> {
    this.#isFrozen = true
    for (const way of this.#open.values()) way.isDead = true
  }

  async slow(delayMs: number): Promise<void> {
    this.#delayMs = delayMs
  }

  /** As in the beginning; what was frozen stays so. */
  async restore(): Promise<void> {
    this.#isFrozen = false
    this.#delayMs = 0
    if (!this.#server.listening) {
      this.#server = createServer((socket) => this.#accept(socket))
      await this.#listen()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut()
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  #accept(caller: Socket): void {
    const server = connect(this.#target)
    const way: Way = { isDead: this.#isFrozen }
    this.#open.set(caller, way)
    const later = (act: () => void) => (this.#delayMs > 0 ? void setTimeout(act, this.#delayMs) : act())
    const whileAlive = (act: () => void) => () => void (way.isDead || act())
    caller.on('data', (piece) => {
      this.bytes.toServer += piece.length
      whileAlive(() => server.write(piece))()
    })
    server.on('data', (piece) => {
      this.bytes.fromServer += piece.length
      later(whileAlive(() => caller.write(piece)))
    })
    caller
      .on('error', () => undefined)
      .on('close', () => {
        this.#open.delete(caller)
        server.destroy()
      })
    server.on('error', () => undefined).on('close', () => later(whileAlive(() => caller.destroy())))
  }
}

interface Way {
  /** Nothing passes any more, not even an end. */
  isDead: boolean
}
