export interface ConnectionSource<Connection> {
  open(): Promise<Connection>
  /** Must not throw. */
  close(connection: Connection): Promise<void>
  /** Whether nothing more is to be sent over it after this error. */
  isSpoiledBy(error: unknown): boolean
  /** Closed as soon as nobody uses it. @defaultValue false */
  readonly isBrief?: boolean
}

interface Lent<Connection> {
  readonly opening: Promise<Connection>
  useCount: number
  isSpoiled: boolean
  closing: Promise<void> | undefined
}

/**
 * Lends one connection, such as a producer, to all who want one at the same time. After a failure that spoils it the next one gets
 * another, and what it still does for others goes on: it is closed when the last of them is done.
 */
export class ConnectionLease<Connection> {
  readonly #source: ConnectionSource<Connection>
  /** With those that are spoiled and still in use. */
  readonly #lent = new Set<Lent<Connection>>()
  #current: Lent<Connection> | undefined
  #isClosed = false

  constructor(source: ConnectionSource<Connection>) {
    this.#source = source
  }

  /** @throws Error of the work, or of opening; once the lease is closed, that it is. */
  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new Error('the connection was closed')
    const lent = (this.#current ??= this.#open())
    // Before anything is waited for: another user may spoil it meanwhile, and must not close it.
    lent.useCount += 1
    try {
      return await work(await lent.opening)
    } catch (error) {
      if (this.#source.isSpoiledBy(error)) this.#spoil(lent)
      throw error
    } finally {
      this.#giveBack(lent)
    }
  }

  /** Closes all, in use or not; opens no more. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#lent].map((lent) => this.#close(lent)))
  }

  #open(): Lent<Connection> {
    const lent: Lent<Connection> = { opening: this.#source.open(), useCount: 0, isSpoiled: false, closing: undefined }
    this.#lent.add(lent)
    lent.opening.catch(() => this.#spoil(lent))
    return lent
  }

  #giveBack(lent: Lent<Connection>): void {
    lent.useCount -= 1
    if (lent.useCount > 0) return
    if (this.#source.isBrief) this.#spoil(lent)
    if (lent.isSpoiled) void this.#close(lent)
  }

  #spoil(lent: Lent<Connection>): void {
    lent.isSpoiled = true
    if (this.#current === lent) this.#current = undefined
  }

  /** Once. */
  #close(lent: Lent<Connection>): Promise<void> {
    this.#lent.delete(lent)
    lent.closing ??= lent.opening.then(
      (connection) => this.#source.close(connection),
      () => undefined,
    )
    return lent.closing
  }
}
