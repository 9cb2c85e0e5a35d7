import type { QueueOperation } from '@tenon/core/client'
import type { EventType } from '@tenon/core/contract'
import { isRecord, toFound } from '@tenon/core/transport'

/**
 * What a connection carries: an event, an operation with a queue binding, or the name of a topic, which may end in `*` for all
 * that begin so.
 */
export type TopicSelector = string | EventType | QueueOperation

/** The topics that a connection carries. */
export class TopicSelection {
  /** Topics, and beginnings that end in `*`. */
  readonly texts: readonly string[]
  readonly #names: ReadonlySet<string>
  readonly #beginnings: readonly string[]

  /** @param selectors Undefined for all topics. */
  constructor(selectors: readonly TopicSelector[] = ['*']) {
    const texts = selectors.flatMap((selector) => topicOf(selector) ?? [])
    this.texts = Object.freeze(texts)
    this.#names = new Set(texts)
    this.#beginnings = texts.filter((text) => text.endsWith('*')).map((text) => text.slice(0, -1))
  }

  has(topic: string): boolean {
    return this.#names.has(topic) || this.#beginnings.some((beginning) => topic.startsWith(beginning))
  }
}

/** What is wrong with the selectors that a user wrote. */
export function checkSelectors(selectors: unknown): readonly string[] {
  if (selectors === undefined) return []
  if (!Array.isArray(selectors) || selectors.length === 0)
    return [`topics must be a list of at least one topic, event or operation, found ${toFound(selectors)}`]
  return selectors.flatMap((selector: unknown, index) => {
    const topic = topicOf(selector)
    if (topic !== undefined && selectorForm.test(topic)) return []
    return [
      `topics[${index}] must be a topic such as shop.order.placed.v1, a beginning such as shop.order.*, an event, or an operation with a queue binding, found ${toFound(topic ?? selector)}`,
    ]
  })
}

/** @see Kafka's rule for topic names: letters, digits, ".", "_", "-", at most 249 of them */
const selectorForm = /^(?:[a-zA-Z0-9._-]{1,249}|[a-zA-Z0-9._-]{0,248}\*)$/

function topicOf(selector: unknown): string | undefined {
  if (typeof selector === 'string') return selector
  if (!isRecord(selector)) return undefined
  const { topic, queue } = selector
  const found = isRecord(queue) ? queue['topic'] : topic
  return typeof found === 'string' ? found : undefined
}
