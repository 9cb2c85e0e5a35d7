import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** Questions that go over connections as their numbers, a line each, and are answered in this process. */
export class AskedServer implements AsyncDisposable {
  readonly #server = createServer((socket) => this.#serve(socket))
  readonly #sockets = new Set<Socket>()
  readonly #questions = new Map<string, () => void>()
  #questionCount = 0
  port = 0

  static async start(): Promise<AskedServer> {
    const server = new AskedServer()
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    server.port = (server.#server.address() as AddressInfo).port
    return server
  }

  /** A connection to it by a port that leads here. */
  connect(port: number): Wire {
    return new Wire(port, (question) => {
      const line = String((this.#questionCount += 1))
      this.#questions.set(line, question)
      return line
    })
  }

  closeAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closeAll()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    eachLine(socket, (line) => {
      this.#questions.get(line)?.()
      this.#questions.delete(line)
      socket.write(`${line}\n`)
    })
  }
}

/** A connection. */
export class Wire {
  readonly #socket: Socket
  readonly #add: (question: () => void) => string
  readonly #waiting = new Map<string, () => void>()
  readonly #closed = Promise.withResolvers<never>()

  constructor(port: number, add: (question: () => void) => string) {
    this.#add = add
    this.#closed.promise.catch(() => undefined)
    this.#socket = connect(port, '127.0.0.1').on('close', () =>
      this.#closed.reject(new Error('the connection was closed')),
    )
    eachLine(this.#socket, (line) => {
      this.#waiting.get(line)?.()
      this.#waiting.delete(line)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  async ask<T>(answer: () => T): Promise<T> {
    const answered = Promise.withResolvers<T>()
    const line = this.#add(() => {
      const value = answer()
      this.#waiting.set(line, () => answered.resolve(value))
    })
    this.#socket.write(`${line}\n`)
    return Promise.race([answered.promise, this.#closed.promise])
  }
}

/** Until the connection ends, whether in order or not. */
function eachLine(socket: Socket, take: (line: string) => void): void {
  createInterface({ input: socket })
    .on('line', take)
    .on('error', () => undefined)
}
