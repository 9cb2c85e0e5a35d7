import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A way for pods to a server of this machine, which can be closed: connections are cut then, and new ones refused. */
export class Gate implements AsyncDisposable {
  readonly #host: string
  readonly #target: { readonly host: string; readonly port: number }
  readonly #sockets = new Set<Socket>()
  #server: Server
  #port = 0

  private constructor(host: string, target: { readonly host: string; readonly port: number }) {
    this.#host = host
    this.#target = target
    this.#server = this.#create()
  }

  /** Listens at an address of this machine that pods reach. */
  static async open(host: string, target: { readonly host: string; readonly port: number }): Promise<Gate> {
    const gate = new Gate(host, target)
    await gate.reopen()
    return gate
  }

  /** `host:port`, the same after it was closed and opened again. */
  get address(): string {
    return `${this.#host}:${this.#port}`
  }

  async shut(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
    this.#server = this.#create()
  }

  async reopen(): Promise<void> {
    this.#server.listen(this.#port, this.#host)
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.shut()
  }

  #create(): Server {
    return createServer((caller) => {
      const target = connect(this.#target)
      for (const [one, other] of [
        [caller, target],
        [target, caller],
      ] as const) {
        this.#sockets.add(one)
        one
          .on('error', () => other.destroy())
          .on('close', () => {
            this.#sockets.delete(one)
            other.destroy()
          })
      }
      caller.pipe(target).pipe(caller)
    })
  }
}
