import { setTimeout as pause } from 'node:timers/promises'

/** A way to a server in the same process, that can be harmed as a network can. */
export class ServedLink {
  readonly #wires = new Set<Wire>()
  #state: 'right' | 'cut' | 'frozen' = 'right'
  delayMs = 0

  connect(): Wire {
    if (this.#state === 'cut') throw new Error('the connection was refused')
    const wire = new Wire(this, (closed) => this.#wires.delete(closed))
    wire.isDead = this.#state === 'frozen'
    this.#wires.add(wire)
    return wire
  }

  closeAll(): void {
    for (const wire of this.#wires) wire.close()
  }

  async cut(): Promise<void> {
    this.#state = 'cut'
    this.closeAll()
  }

  async freeze(): Promise<void> {
    this.#state = 'frozen'
    for (const wire of this.#wires) wire.isDead = true
  }

  async slow(delayMs: number): Promise<void> {
    this.delayMs = delayMs
  }

  async restore(): Promise<void> {
    this.#state = 'right'
    this.delayMs = 0
  }

  connectionCount(): number {
    return this.#wires.size
  }
}

/** A connection. */
export class Wire {
  readonly #link: ServedLink
  readonly #forget: (wire: Wire) => void
  readonly #closed = Promise.withResolvers<never>()
  /** Whether what is sent vanishes. */
  isDead = false

  constructor(link: ServedLink, forget: (wire: Wire) => void) {
    this.#link = link
    this.#forget = forget
    this.#closed.promise.catch(() => undefined)
  }

  close(): void {
    this.#forget(this)
    this.#closed.reject(new Error('the connection was closed'))
  }

  ask<T>(answer: () => T): Promise<T> {
    return Promise.race([this.#answered(answer), this.#closed.promise])
  }

  async #answered<T>(answer: () => T): Promise<T> {
    await pause(0)
    if (this.isDead) await this.#closed.promise
    const answered = answer()
    if (this.#link.delayMs > 0) await pause(this.#link.delayMs)
    return answered
  }
}
