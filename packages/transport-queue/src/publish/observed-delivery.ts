import type { OutgoingMessage } from '@tenon/core/client'
import { observeSend, type ObservedSend, sendConvention, sentMessageAttributes } from '@tenon/core/telemetry'

/** One message on its way to the broker, as OpenTelemetry is told of it where an SDK is registered. */
export class ObservedDelivery {
  readonly #system: string
  #observed: ObservedSend | undefined

  /** @param system What the conventions call the broker. */
  constructor(system: string) {
    this.#system = system
  }

  /** It goes out, with a body of so many bytes. The message as a part of its own span. */
  begin(message: OutgoingMessage, bodyBytes: number): OutgoingMessage {
    const { topic, id, headers } = message
    const observed = observeSend(
      () => sendConvention({ system: this.#system, topic }),
      () => sentMessageAttributes(id),
    )
    if (observed === undefined) return message
    this.#observed = observed
    observed.sizes?.addBytes('request', bodyBytes)
    return { ...message, headers: observed.carry(headers) }
  }

  succeed(): void {
    this.#observed?.end(undefined)
  }

  fail(error: unknown): void {
    this.#observed?.fail(error)
  }
}
