import type { EventType } from '../contract/event.ts'
import { olderEvents } from '../contract/event-upcast.ts'
import type { Operation } from '../contract/operation.ts'
import type { SetupProblem } from '../error/setup-error.ts'
import type { EventEndpoint, OperationEndpoint } from '../transport/endpoint.ts'
import type { Transport } from '../transport/transport.ts'

export interface Endpoints {
  readonly operations: readonly OperationEndpoint[]
  readonly events: readonly EventEndpoint[]
}

/** What a handler implements and consumes. */
export interface Handled {
  readonly operations: readonly { readonly operation: Operation }[]
  readonly consumers: readonly { readonly event: EventType }[]
}

/** The endpoints that a transport serves. */
export function carriedBy(transport: Transport, { operations, events }: Endpoints): Endpoints {
  return {
    operations: operations.filter(({ operation }) => transport.carries(operation)),
    events: events.filter(({ event }) => carriesEvent(transport, event)),
  }
}

/** Whether a transport delivers an event to consumers. */
export function carriesEvent(transport: Transport, { topic }: EventType): boolean {
  return transport.carriesEvents === true && (transport.carriesTopic?.(topic) ?? true)
}

/** Among the transports that say which topics they carry, every topic of the service must have exactly one. */
export function checkTopics(handlers: readonly Handled[], transports: readonly Transport[]): readonly SetupProblem[] {
  const choosing = transports.filter((transport) => transport.carriesTopic !== undefined)
  if (choosing.length === 0) return []
  return [...usedTopics(handlers)].flatMap(([topic, what]) => {
    const carriers = choosing.filter((transport) => transport.carriesTopic?.(topic))
    return carriers.length === 1 ? [] : [misfit(what, { topic, carriers, choosing })]
  })
}

/** Where nobody finds out who sends an event, a transport that asks for it would refuse each, or let in whoever sends. */
export function checkSenders(handlers: readonly Handled[], transports: readonly Transport[]): readonly SetupProblem[] {
  const asking = transports.filter(({ authenticatesEvents }) => authenticatesEvents === true)
  return handlers.flatMap(eventTopics).flatMap((topic) => {
    const transport = asking.find(({ carriesTopic }) => carriesTopic?.(topic) ?? true)
    if (transport === undefined) return []
    const message = `event ${topic} comes by transport ${transport.name}, which asks who sends it, but the service has no authenticate`
    return [{ code: 'wiring.access', message }]
  })
}

/** What each topic is for, by its name. */
function usedTopics(handlers: readonly Handled[]): ReadonlyMap<string, string> {
  return new Map(
    handlers.flatMap((handler) => [
      ...handler.operations.flatMap(({ operation: { id, queue } }) =>
        queue ? [[queue.topic, `command ${id} (topic ${queue.topic})`] as const] : [],
      ),
      ...eventTopics(handler).map((topic) => [topic, `event ${topic}`] as const),
    ]),
  )
}

/** Of the events that it consumes, and of the older ones that it reads too. */
function eventTopics({ consumers }: Handled): readonly string[] {
  return consumers.flatMap(({ event }) => [event.topic, ...olderEvents(event).map((older) => older.event.topic)])
}

interface Choice {
  readonly topic: string
  readonly carriers: readonly Transport[]
  /** All that could carry it. */
  readonly choosing: readonly Transport[]
}

function misfit(what: string, { topic, carriers, choosing }: Choice): SetupProblem {
  if (carriers.length > 0)
    return {
      code: 'wiring.ambiguous_topic',
      message: `${what} is carried by ${namesOf(carriers)}, each of which would handle its messages: name it in the topics of one, and give the others topics of their own`,
    }
  return {
    code: 'wiring.unreachable',
    message: `${what} is carried by none of ${namesOf(choosing)}: add "${topic}" to the topics of one`,
  }
}

function namesOf(transports: readonly Transport[]): string {
  return transports.map(({ name }) => name).join(' and ')
}
