import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { RegistryLink } from './registry-harness.ts'

/** A way to a server that can be cut, frozen and slowed as a network can. */
export interface TcpLink extends Required<RegistryLink>, AsyncDisposable {
  /** Where it listens on 127.0.0.1, the same for as long as it lives. */
  readonly port: number
  /** Host and port: `127.0.0.1:40123`. */
  readonly address: string
  /** What the server has sent into it so far, whether that has arrived or not. */
  readonly receivedBytes: number
  /** Cuts it for good. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Opens a way to a port, of this machine unless a host is given. Connections are taken while it is cut, too, and reset at once, so that nobody
 * else gets its port meanwhile.
 *
 * A link may lead to another: what is cut off then is one process of many.
 */
export async function tcpLink(port: number, host = '127.0.0.1'): Promise<TcpLink> {
  const link = new Link(port, host)
  await link.listen()
  return link
}

/** One connection, and the one to the server that it is passed on to. */
interface Way {
  readonly near: Socket
  readonly far: Socket
  /** Nothing passes any more, not even an end. */
  isDead: boolean
}

class Link implements TcpLink {
  readonly #targetPort: number
  readonly #targetHost: string
  readonly #server: Server
  readonly #ways = new Set<Way>()
  #fault: 'none' | 'cut' | 'frozen' = 'none'
  #delayMs = 0
  port = 0
  receivedBytes = 0

  constructor(targetPort: number, targetHost: string) {
    this.#targetPort = targetPort
    this.#targetHost = targetHost
    // Who says goodbye on a frozen link is not answered.
    this.#server = createServer({ allowHalfOpen: true }, (near) => this.#accept(near))
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    this.port = (this.#server.address() as AddressInfo).port
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  connectionCount(): number {
    return [...this.#ways].filter(({ near }) => !near.readableEnded).length
  }

  async cut(): Promise<void> {
    this.#fault = 'cut'
    for (const { near, far } of this.#ways) {
      near.resetAndDestroy()
      far.destroy()
    }
  }

  async freeze(): Promise<void> {
    this.#fault = 'frozen'
    for (const way of this.#ways) way.isDead = true
  }

  async slow(delayMs: number): Promise<void> {
    this.#delayMs = delayMs
  }

  async restore(): Promise<void> {
    this.#fault = 'none'
    this.#delayMs = 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept(near: Socket): void {
    near.on('error', () => undefined)
    if (this.#fault === 'cut') return void near.resetAndDestroy()
    const far = connect(this.#targetPort, this.#targetHost).on('error', () => undefined)
    const way: Way = { near, far, isDead: this.#fault === 'frozen' }
    this.#ways.add(way)
    near.on('data', (bytes) => way.isDead || far.write(bytes))
    near.on('end', () => way.isDead || far.end())
    near.on('close', () => {
      this.#ways.delete(way)
      far.destroy()
    })
    // In order, whatever the delay was of what came before.
    let last = Promise.resolve()
    const answer = (pass: () => void) => {
      const due = this.#delayMs > 0 ? pause(this.#delayMs) : undefined
      last = Promise.all([last, due]).then(() => void (way.isDead || near.destroyed || pass()))
    }
    far.on('data', (bytes) => {
      this.receivedBytes += bytes.length
      answer(() => near.write(bytes))
    })
    far.on('close', () => answer(() => near.destroySoon()))
  }
}
