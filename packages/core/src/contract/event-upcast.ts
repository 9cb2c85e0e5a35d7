import type { SetupProblem } from '../error/setup-error.ts'
import type { EventType, Payload } from './event.ts'

/** How the payload of an older event becomes that of a newer one: what `upcast()` makes. */
export interface Upcast<To = unknown> {
  /** The older event, whose topic is read too. */
  readonly from: EventType
  convert(payload: unknown): To
}

/**
 * Says how a payload of an older event becomes one of the event that this stands in: its consumers read the older topic too.
 *
 * ```ts
 * const placedV2 = event('shop.order.placed.v2', {
 *   key: 'orderId',
 *   payload: PlacedV2,
 *   upcasts: [upcast(placedV1, ({ orderId }) => ({ orderId, currency: 'EUR' }))],
 * })
 * ```
 *
 * @param convert Gets a payload that fits the older schema, and returns what a publisher of the newer event would send; that is
 * checked. Must not wait. A message whose payload it throws for is a dead letter of the older topic, with the reason `upcast_failed`.
 */
export function upcast<From extends EventType, To>(from: From, convert: (payload: Payload<From>) => To): Upcast<To> {
  return Object.freeze({ from, convert })
}

/** One step on the way from an older payload to the newest. */
export interface UpcastStep {
  readonly into: EventType
  convert(payload: unknown): unknown
}

/** An older event whose messages consumers of a newer one read, with the steps between them. */
export interface OlderEvent {
  readonly event: EventType
  readonly steps: readonly UpcastStep[]
}

/** All events that consumers of this one read beside it: those that it names, then those that these name; each by the first way found. */
export function olderEvents(event: EventType): readonly OlderEvent[] {
  const found = new Map<string, OlderEvent>()
  const waiting: OlderEvent[] = [{ event, steps: [] }]
  // The list grows while it is walked.
  for (const { event: newer, steps } of waiting) {
    for (const { from, convert } of newer.upcasts) {
      if (found.has(from.topic) || from.topic === event.topic) continue
      const older = { event: from, steps: [{ into: newer, convert }, ...steps] }
      found.set(from.topic, older)
      waiting.push(older)
    }
  }
  return [...found.values()]
}

/** What is wrong with the upcasts of an event. */
export function checkUpcasts(where: string, topic: string, upcasts: unknown): readonly SetupProblem[] {
  if (upcasts === undefined) return []
  if (!Array.isArray(upcasts)) return [setting(`${where}: upcasts must be a list of upcast(…)`)]
  const topics = upcasts.map((one: unknown) => topicOf(one))
  return topics.flatMap((from, index) => {
    if (from === undefined) return [setting(`${where}: upcasts[${index}] must be an upcast(event, convert)`)]
    if (from === topic) return [setting(`${where}: upcasts[${index}] must be from another event than itself`)]
    if (topics.indexOf(from) < index) return [setting(`${where}: upcasts has ${from} twice`)]
    return []
  })
}

/** The topic that an upcast is from; undefined for what is no upcast. */
function topicOf(upcast: unknown): string | undefined {
  if (typeof upcast !== 'object' || upcast === null || typeof Reflect.get(upcast, 'convert') !== 'function')
    return undefined
  const from: unknown = Reflect.get(upcast, 'from')
  const topic: unknown = typeof from === 'object' && from !== null ? Reflect.get(from, 'topic') : undefined
  return typeof topic === 'string' ? topic : undefined
}

function setting(message: string): SetupProblem {
  return { code: 'contract.setting', message }
}
