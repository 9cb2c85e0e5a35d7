import type { QueueClient, QueueDriver } from './queue-driver.ts'

/** A driver's connection, open while a publisher or a consumer needs it, of whichever transport that was given the driver. */
export class SharedConnection {
  readonly #driver: QueueDriver
  #userCount = 0
  #connecting: Promise<void> | undefined
  #closing: Promise<void> = Promise.resolve()

  /** The one connection of a driver. */
  static of(driver: QueueDriver): SharedConnection {
    const connection = connections.get(driver) ?? new SharedConnection(driver)
    connections.set(driver, connection)
    return connection
  }

  private constructor(driver: QueueDriver) {
    this.#driver = driver
  }

  /** Connects for the first user, once what the last one closed is closed. @throws Error naming the broker, when it does not answer. */
  async open(client: QueueClient): Promise<void> {
    this.#userCount++
    const connecting = (this.#connecting ??= this.#closing.then(() => this.#driver.connect(client)))
    try {
      await connecting
    } catch (error) {
      this.#userCount--
      if (this.#connecting === connecting) this.#connecting = undefined
      throw error
    }
  }

  /** Closes the connection when nobody else needs it. */
  async release(): Promise<void> {
    this.#userCount--
    if (this.#userCount > 0) return
    this.#connecting = undefined
    const closed = this.#driver.close()
    this.#closing = closed.catch(() => undefined)
    await closed
  }
}

const connections = new WeakMap<QueueDriver, SharedConnection>()
