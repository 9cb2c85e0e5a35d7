import { type EventEndpoint, type Outcome, ServiceError, unlessAborted } from '@tenon/core/transport'
import { choose, type Delivery, deliverTo, first, type MessageOptions, toArrival } from './memory-delivery.ts'

/** Delivers an event once; to a consumer of batches as a batch of one. @throws TypeError when it is not clear whose it is */
export async function deliverEvent(
  consumers: readonly EventEndpoint[],
  payload: unknown,
  options: MessageOptions,
): Promise<Delivery> {
  const deliverOne = async (consumer: EventEndpoint) => {
    const [delivery] = consumer.batch === undefined ? [] : await deliverBatchTo(consumer, [payload], options)
    return delivery ?? deliverTo(consumer, payload, options)
  }
  return first(await Promise.all(choose(consumers, options).map(deliverOne)))
}

/**
 * Delivers messages once to a consumer of batches, as a queue does: each is read by itself, and those that could be come together, at once
 * and in their order; more than the consumer takes at a time come in several batches. What became of each, in their order.
 *
 * @throws TypeError when it is not clear whose they are, or when that consumer takes messages one by one.
 */
export async function deliverBatch(
  endpoints: readonly EventEndpoint[],
  payloads: readonly unknown[],
  options: MessageOptions,
): Promise<readonly Delivery[]> {
  const chosen = choose(endpoints, options)
  const delivered = await Promise.all(chosen.map((endpoint) => deliverBatchTo(endpoint, payloads, options)))
  return payloads.map((_payload, index) => first(delivered.flatMap((ofOne) => ofOne[index] ?? [])))
}

async function deliverBatchTo(
  endpoint: EventEndpoint,
  payloads: readonly unknown[],
  options: MessageOptions,
): Promise<readonly Delivery[]> {
  const { group, signal } = { ...options, group: endpoint.group }
  const work = handle(endpoint, payloads, options)
  const outcomes = signal ? await unlessAborted(work, signal) : await work
  return payloads.map((_payload, index): Delivery => {
    const outcome = outcomes?.[index]
    if (outcome?.ok === true) return { ok: true, group }
    return { ok: false, group, error: outcome?.error ?? new ServiceError('cancelled', 'the delivery was given up') }
  })
}

async function handle(
  endpoint: EventEndpoint,
  payloads: readonly unknown[],
  options: MessageOptions,
): Promise<readonly Outcome[]> {
  const { batch, event } = endpoint
  if (batch === undefined)
    throw new TypeError(`the consumer of ${event.topic} takes messages one by one: deliver them with publish()`)
  const arrivals = payloads.map((payload) => toArrival(endpoint, payload, options))
  const outcomes = await Promise.all(arrivals.map((arrival) => batch.read(arrival)))
  const readable = arrivals.flatMap((arrival, index) => {
    const read = outcomes[index]
    return read?.ok === true ? [{ index, arrival, payload: read.value }] : []
  })
  const { timeoutMs, signal } = options
  for (let start = 0; start < readable.length; start += batch.maxCount) {
    const messages = readable.slice(start, start + batch.maxCount)
    const handled = await batch.dispatch({ transport: 'queue', isTrusted: true, timeoutMs, signal, messages })
    for (const [place, outcome] of handled.entries()) {
      const message = messages[place]
      if (message !== undefined) outcomes[message.index] = outcome
    }
  }
  return outcomes
}
