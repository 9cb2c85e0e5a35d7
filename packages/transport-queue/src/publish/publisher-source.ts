import { joinedPublisher, type Publisher } from '@tenon/core/client'
import type { ServiceIdentity } from '@tenon/core/transport'
import type { QueueSettings } from '../queue-options.ts'
import type { SharedConnection } from '../shared-connection.ts'
import { QueuePublisher } from './publisher.ts'

export interface SourceSurroundings {
  readonly settings: QueueSettings
  readonly connection: SharedConnection
  /** Whether a publisher refuses the topics that its transport does not carry. */
  readonly isSelective: boolean
}

/** Makes and ends the publisher of a transport, one for each start of its service. */
export class PublisherSource {
  readonly #surroundings: SourceSurroundings
  #current: QueuePublisher | undefined

  constructor(surroundings: SourceSurroundings) {
    this.#surroundings = surroundings
  }

  /** That of the start that is under way; undefined where nothing injects it. */
  get current(): QueuePublisher | undefined {
    return this.#current
  }

  /** @throws Error naming the broker, when it does not answer. */
  async open(service: ServiceIdentity): Promise<Publisher> {
    const { settings, connection, isSelective } = this.#surroundings
    await connection.open({ clientId: service.name })
    const value = new QueuePublisher(settings, service)
    this.#current = value
    const { name, topics } = settings
    const carriesTopic = (topic: string) => topics.has(topic)
    return isSelective ? joinedPublisher([{ from: { name, carriesTopic }, value }]) : value
  }

  /**
   * Sends what is on its way, as long as the signal has not fired, and lets the connection go.
   *
   * @throws Error that says how many messages were given up
   */
  async close(signal: AbortSignal): Promise<void> {
    const publisher = this.#current
    this.#current = undefined
    const cutCount = (await publisher?.close(signal)) ?? 0
    const { settings, connection } = this.#surroundings
    await connection.release()
    if (cutCount > 0)
      throw new Error(`${cutCount} messages were given up, for ${settings.driver.target} had not stored them in time`)
  }
}
