import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { HttpRequest } from './http-request.ts'
import type { Lane } from './lane.ts'

/**
 * One keep-alive connection that sends the same request over and over. It must cost less than any server: where the load is the
 * slower side, the server waits, and its CPU per request grows by what sleeping and waking cost. So this is a plain socket, and
 * of a reply only the status and the length are looked at, which are the same every time.
 */
export class Connection implements Lane {
  readonly #socket: Socket
  readonly #request: HttpRequest
  /** Every reply is as long as the first. */
  #replyBytes = 0
  #receivedBytes = 0
  #answered: () => void = () => undefined
  #failed: (error: Error) => void = () => undefined

  private constructor(socket: Socket, request: HttpRequest) {
    this.#socket = socket
    this.#request = request
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', (error) => this.#failed(error))
    socket.on('close', () => this.#failed(new Error('the server closed the connection')))
  }

  static async open(port: number, request: HttpRequest): Promise<Connection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new Connection(socket, request)
  }

  onFailure(failed: (error: Error) => void): void {
    this.#failed = failed
  }

  exchange(answered: () => void): void {
    this.#answered = answered
    this.#receivedBytes = 0
    this.#socket.write(this.#request.request)
  }

  close(): void {
    this.#socket.removeAllListeners('close').destroy()
  }

  #receive(chunk: Buffer): void {
    if (this.#receivedBytes === 0) {
      const expected = `HTTP/1.1 ${this.#request.expectedStatus} `
      const start = chunk.toString('latin1', 0, expected.length)
      if (start !== expected) return this.#failed(new Error(`expected ${expected}, found ${chunk.toString('latin1')}`))
      if (this.#replyBytes === 0) this.#replyBytes = lengthOf(chunk.toString('latin1'))
    }
    this.#receivedBytes += chunk.length
    if (this.#receivedBytes > this.#replyBytes)
      this.#failed(new Error(`a reply is longer than ${this.#replyBytes} bytes`))
    else if (this.#receivedBytes === this.#replyBytes) this.#answered()
  }
}

/** The bytes of a reply whose head is here. */
function lengthOf(reply: string): number {
  const head = reply.indexOf('\r\n\r\n')
  const length = /^content-length: (\d+)/im.exec(reply)?.[1]
  if (head < 0 || length === undefined) throw new Error(`expected a head with a content-length, found ${reply}`)
  return head + 4 + Number(length)
}
