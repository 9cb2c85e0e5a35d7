import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'

/** A way to a server that counts what comes from it. */
export class CountedWay implements AsyncDisposable {
  readonly #server: Server
  #receivedBytes = 0

  private constructor(host: string, port: number) {
    this.#server = createServer((caller) => {
      const called = connect(port, host)
      called.on('data', ({ length }) => void (this.#receivedBytes += length))
      caller.pipe(called).pipe(caller)
      for (const one of [caller, called]) one.on('error', () => (caller.destroy(), called.destroy()))
    })
  }

  static async to(place: string): Promise<CountedWay> {
    const { hostname, port } = new URL(place.includes('://') ? place : `http://${place}`)
    const way = new CountedWay(hostname, Number(port))
    way.#server.listen(0, '127.0.0.1')
    await once(way.#server, 'listening')
    return way
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get receivedBytes(): number {
    return this.#receivedBytes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
  }
}
