import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** The state that a link can be in. */
type Fault = 'none' | 'cut' | 'frozen'

interface Passage {
  readonly near: Socket
  readonly far: Socket
  isDead: boolean
}

/** A way to a server that can be cut, frozen and slowed, with as many doors as there are processes that go it. */
export class TcpLink implements AsyncDisposable {
  readonly #targetPort: number
  readonly #doors: Door[] = []
  #fault: Fault = 'none'
  #delayMs = 0

  constructor(targetPort: number) {
    this.#targetPort = targetPort
  }

  /** Where a process connects to: `127.0.0.1:40123`. */
  async open(): Promise<Door> {
    const door = new Door(this.#targetPort)
    await door.listen()
    this.#doors.push(door)
    door.set(this.#fault, this.#delayMs)
    return door
  }

  async cut(): Promise<void> {
    await this.#set('cut')
  }

  async freeze(): Promise<void> {
    await this.#set('frozen')
  }

  async slow(delayMs: number): Promise<void> {
    this.#delayMs = delayMs
    await this.#set(this.#fault)
  }

  async restore(): Promise<void> {
    this.#delayMs = 0
    await this.#set('none')
  }

  connectionCount(): number {
    return this.#doors.reduce((count, door) => count + door.connectionCount, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#doors.map((door) => door[Symbol.asyncDispose]()))
  }

  async #set(fault: Fault): Promise<void> {
    this.#fault = fault
    for (const door of this.#doors) door.set(fault, this.#delayMs)
  }
}

/** The way of one process. */
export class Door implements AsyncDisposable {
  readonly #targetPort: number
  readonly #server: Server
  readonly #passages = new Set<Passage>()
  #fault: Fault = 'none'
  #delayMs = 0
  #isClosed = false
  /** Of all that was answered so far. */
  answeredBytes = 0
  /** Answers over HTTP so far. */
  answerCount = 0

  constructor(targetPort: number) {
    this.#targetPort = targetPort
    this.#server = createServer((near) => this.#accept(near))
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get connectionCount(): number {
    return this.#passages.size
  }

  set(fault: Fault, delayMs: number): void {
    this.#fault = this.#isClosed ? 'cut' : fault
    this.#delayMs = delayMs
    for (const passage of this.#passages) {
      if (this.#fault === 'cut') end(passage)
      // What was frozen once stays dead, as when a router has forgotten it.
      if (this.#fault === 'frozen') passage.isDead = true
    }
  }

  /** For good: the process behind it reaches nothing any more. */
  close(): void {
    this.#isClosed = true
    this.set('cut', 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept(near: Socket): void {
    const quiet = () => undefined
    near.on('error', quiet)
    if (this.#fault === 'cut') return void near.resetAndDestroy()
    const far = connect(this.#targetPort, '127.0.0.1').on('error', quiet)
    const passage: Passage = { near, far, isDead: this.#fault === 'frozen' }
    this.#passages.add(passage)
    near.on('close', () => {
      this.#passages.delete(passage)
      far.destroy()
    })
    far.on('close', () => {
      if (!passage.isDead) near.destroy()
    })
    near.on('data', (bytes) => {
      if (!passage.isDead) far.write(bytes)
    })
    far.on('data', (bytes) => this.#answer(passage, bytes))
  }

  #answer(passage: Passage, bytes: Buffer): void {
    this.answeredBytes += bytes.length
    this.answerCount += bytes.toString('latin1').split('HTTP/1.1 ').length - 1
    const pass = () => {
      if (!passage.isDead && !passage.near.destroyed) passage.near.write(bytes)
    }
    if (this.#delayMs === 0) pass()
    else setTimeout(pass, this.#delayMs)
  }
}

function end({ near, far }: Passage): void {
  near.resetAndDestroy()
  far.destroy()
}
