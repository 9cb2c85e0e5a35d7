import type { ServiceDescription } from '@tenon/core'
import type { SampleBook } from '../sample/sample-book.ts'
import type { VerifiedService } from './verified-service.ts'

/** What load goes to. */
export interface Coverage {
  /** Ids of the operations that are called. */
  readonly called: ReadonlySet<string>
  /** Topics that messages are published to. */
  readonly published: ReadonlySet<string>
}

type CoveredService = Pick<VerifiedService, 'name' | 'operations' | 'topics'> & {
  readonly description: Pick<ServiceDescription, 'schedules' | 'tasks'>
}

/**
 * What of a service no load goes to, though its user has not left it out, each with the reason: a verdict would say nothing of it. A
 * service that does nothing but by itself, by schedules and background tasks, is judged by its starts and stops.
 */
export function uncovered(
  { name, operations, topics, description }: CoveredService,
  book: SampleBook,
  { called, published }: Coverage,
): readonly string[] {
  const missed = operations.filter(
    ({ id, queue }) => !book.isLeftOut(id) && !called.has(id) && !(queue && published.has(queue.topic)),
  )
  const ids = new Set(missed.map(({ id }) => id))
  const silent = topics.filter(({ topic, message }) => {
    const sample = 'event' in message ? topic : message.command.id
    return !book.isLeftOut(sample) && !published.has(topic) && !ids.has(sample)
  })
  const isEmpty = called.size + published.size + missed.length + silent.length === 0
  const isWorker =
    operations.length + topics.length === 0 && description.schedules.length + description.tasks.length > 0
  if (isEmpty && !isWorker) return [`${name}: it handles nothing that can be sent and is not left out`]
  return [
    ...missed.map(
      ({ id }) => `${id}: ${name} listens for nothing that carries it but TLS or what only its own process reaches`,
    ),
    ...silent.map(({ topic }) => `${topic}: no transport of ${name} publishes there`),
  ]
}
