import { type Arrival, ServiceError } from '@tenon/core/transport'
import type { ReceivedRecord, RecordHeader } from '../queue-driver.ts'

export interface QueueCallFacts {
  /** 1 for the first time this member handles the message. */
  readonly attempt: number
  readonly metadata: Readonly<Record<string, string>>
  /** What is left until the message expires; Infinity when it never does. */
  readonly timeoutMs: number
}

/** A message on its way to its handler. */
export class QueueCall implements Arrival {
  readonly transport = 'queue'
  /** Who may write to a topic is the broker's to decide. */
  readonly isTrusted = true
  readonly isAccepted = true
  readonly attempt: number
  readonly metadata: Readonly<Record<string, string>>
  readonly timeoutMs: number | undefined
  readonly #record: ReceivedRecord
  readonly #quiet = Promise.withResolvers<void>()
  #controller: AbortController | undefined

  constructor(record: ReceivedRecord, { attempt, metadata, timeoutMs }: QueueCallFacts) {
    this.#record = record
    this.attempt = attempt
    this.metadata = metadata
    this.timeoutMs = timeoutMs === Number.POSITIVE_INFINITY ? undefined : timeoutMs
  }

  /** Where the message stands: `shop.order.placed.v1/3@1042`. */
  get peer(): string {
    const { topic, partition, offset } = this.#record
    return `${topic}/${partition}@${offset}`
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  /** Tells the handler that another member may already have the message. */
  abandon(): void {
    this.#controller ??= new AbortController()
    this.#controller.abort()
  }

  /** Resolves when its handler does nothing more. */
  get quiet(): Promise<void> {
    return this.#quiet.promise
  }

  ended(): void {
    this.#quiet.resolve()
  }

  decode(): unknown {
    const { value } = this.#record
    if (value === null) throw undecodable('the message has no value')
    try {
      return JSON.parse(strictText.decode(value))
    } catch {
      throw undecodable('the message is not JSON')
    }
  }
}

/** Headers as metadata: names in lower case, values as text, the last of repeated ones. */
export function toMetadata(headers: readonly RecordHeader[]): Readonly<Record<string, string>> {
  return Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), lenientText.decode(value)]))
}

/**
 * When a message has no use any more, in epoch milliseconds.
 *
 * @see CloudEvents expiry time extension
 */
export function expiresAt(metadata: Readonly<Record<string, string>>): number | undefined {
  const text = metadata['ce_expirytime']
  const at = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}

const strictText = new TextDecoder('utf-8', { fatal: true })
const lenientText = new TextDecoder('utf-8')

function undecodable(message: string): ServiceError {
  return new ServiceError('invalid_argument', message, { reason: 'undecodable' })
}
