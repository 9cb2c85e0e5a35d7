import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A link to a server that can be cut, half open, or slow. */
export class Link implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #near = new Set<Socket>()
  #state: 'open' | 'cut' | 'silent' = 'open'
  #delayMs = 0
  private constructor(port: number) {
    this.#server = createServer({ allowHalfOpen: true }, (near) => this.#join(near, port))
  }

  static async to(address: string): Promise<Link> {
    const link = new Link(Number(address.split(':').at(-1)))
    link.#server.listen(0, '127.0.0.1')
    await once(link.#server, 'listening')
    return link
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** What the server has sent through it. */
  receivedBytes = 0

  /** How many connections clients have open. */
  get openCount(): number {
    return this.#near.size
  }

  /** Closes every connection, and refuses new ones. */
  cut(): void {
    this.#state = 'cut'
    for (const socket of this.#sockets) socket.destroy()
  }

  /** From now on nothing that is sent arrives, on either side, and nobody is told. New connections are taken, and say nothing. */
  silence(): void {
    this.#state = 'silent'
    for (const socket of this.#sockets) socket.unpipe().removeAllListeners('data').resume()
  }

  /** What comes from the server is this late. */
  slow(delayMs: number): void {
    this.#delayMs = delayMs
  }

  /** Takes connections again; those that were silenced stay so. */
  mend(): void {
    this.#state = 'open'
    this.#delayMs = 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join(near: Socket, port: number): void {
    this.#near.add(near)
    near.on('close', () => this.#near.delete(near))
    this.#keep(near)
    if (this.#state === 'cut') near.destroy()
    // What is sent vanishes, and so does a goodbye.
    if (this.#state !== 'open') return void near.resume()
    const far = connect(port, '127.0.0.1')
    this.#keep(far)
    near.pipe(far)
    // In order, whatever the delay was of what came before.
    let last = Promise.resolve()
    far.on('data', (bytes) => {
      this.receivedBytes += bytes.length
      const due = later(this.#delayMs)
      last = last.then(() => due).then(() => void (this.#state === 'open' && near.write(bytes)))
    })
    near.on('end', () => this.#state === 'open' && near.end()).on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => this.#sockets.delete(socket))
  }
}

function later(delayMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (delayMs === 0) resolve()
  else setTimeout(resolve, delayMs)
  return promise
}
