import type { EventType, PayloadToSend } from '../../contract/event.ts'
import type { InputToSend } from '../../contract/operation.ts'
import { ServiceError } from '../../error/service-error.ts'
import type { ProvidedPart } from '../../handler/provider.ts'
import { type PublishOptions, Publisher, type QueueOperation } from './publisher.ts'
import { bindingOf, topicOf } from './publisher-message.ts'

/**
 * One publisher of several: each message goes out by the one whose transport carries its topic. A topic that none of them
 * carries, or more than one, is refused as `internal`, and the cause names them.
 */
export function joinedPublisher(parts: readonly ProvidedPart<Publisher>[]): Publisher {
  return new JoinedPublisher(parts)
}

class JoinedPublisher extends Publisher {
  readonly #parts: readonly ProvidedPart<Publisher>[]
  readonly #known = new Map<string, Publisher>()

  constructor(parts: readonly ProvidedPart<Publisher>[]) {
    super()
    this.#parts = parts
  }

  async publish<Event extends EventType>(event: Event, payload: PayloadToSend<Event>, options?: PublishOptions) {
    await this.#publisherOf(topicOf(event)).publish(event, payload, options)
  }

  async send<Op extends QueueOperation>(operation: Op, input: InputToSend<Op>, options?: PublishOptions) {
    await this.#publisherOf(bindingOf(operation).topic).send(operation, input, options)
  }

  #publisherOf(topic: string): Publisher {
    const known = this.#known.get(topic)
    if (known !== undefined) return known
    const [part, ...others] = this.#parts.filter(({ from }) => from.carriesTopic?.(topic) ?? true)
    if (part === undefined || others.length > 0) throw this.#misfit(topic, part === undefined ? [] : [part, ...others])
    this.#known.set(topic, part.value)
    return part.value
  }

  /** Our own fault, so a caller learns nothing of it but that it is. */
  #misfit(topic: string, carriers: readonly ProvidedPart<Publisher>[]): ServiceError {
    const all = this.#parts.map(({ from }) => from.name).join(', ')
    const found = carriers.length === 0 ? `none of ${all}` : carriers.map(({ from }) => from.name).join(' and ')
    const cause = new Error(`topic ${topic} is carried by ${found}; name it in the topics of exactly one`)
    return new ServiceError('internal', 'a message belongs to no one connection', { cause })
  }
}
