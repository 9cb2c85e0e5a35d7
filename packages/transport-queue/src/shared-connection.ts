import type { QueueClient, QueueDriver } from './queue-driver.ts'

/** The driver's connection, open while the publisher or a consumer needs it. */
export class SharedConnection {
  readonly #driver: QueueDriver
  #userCount = 0
  #connecting: Promise<void> | undefined

  constructor(driver: QueueDriver) {
    this.#driver = driver
  }

  /** @throws Error naming the broker, when it does not answer. */
  async open(client: QueueClient): Promise<void> {
    this.#userCount++
    this.#connecting ??= this.#driver.connect(client)
    try {
      await this.#connecting
    } catch (error) {
      this.#userCount--
      this.#connecting = undefined
      throw error
    }
  }

  /** Closes the connection when nobody else needs it. */
  async release(): Promise<void> {
    this.#userCount--
    if (this.#userCount > 0) return
    this.#connecting = undefined
    await this.#driver.close()
  }
}
