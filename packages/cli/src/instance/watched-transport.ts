import type {
  Arrival,
  BatchEndpoint,
  EventEndpoint,
  OperationEndpoint,
  Outcome,
  Transport,
} from '@tenon/core/transport'
import type { HandledMessage } from './instance-message.ts'

/** Who is told of the messages that handlers have come to an end with. */
export interface MessageWatch {
  /** How the ids of messages begin that are told of. */
  readonly idPrefix: string
  /** The group of commands that name none. */
  readonly serviceName: string
  tell(message: HandledMessage): void
}

/** A transport on any free port, that tells what becomes of its messages. */
export function watchedTransport(transport: Transport, watch: MessageWatch): Transport {
  return {
    name: transport.name,
    ...(transport.provides && { provides: transport.provides }),
    ...(transport.carriesEvents !== undefined && { carriesEvents: transport.carriesEvents }),
    ...(transport.topics && { topics: transport.topics }),
    ...(transport.carriesTopic && { carriesTopic: (topic: string) => transport.carriesTopic?.(topic) ?? true }),
    carries: (operation) => transport.carries(operation),
    bind: (host) =>
      transport.bind({
        ...host,
        takesFreePorts: true,
        operations: host.operations.map((endpoint) => watchedOperation(endpoint, watch)),
        events: host.events.map((endpoint) => watchedEvent(endpoint, watch)),
      }),
  }
}

function watchedOperation(endpoint: OperationEndpoint, watch: MessageWatch): OperationEndpoint {
  const { queue } = endpoint.operation
  if (queue === undefined) return endpoint
  const place = { topic: queue.topic, group: queue.group ?? watch.serviceName }
  return { ...endpoint, dispatch: watchedDispatch(endpoint, place, watch) }
}

function watchedEvent(endpoint: EventEndpoint, watch: MessageWatch): EventEndpoint {
  const { event, group, batch } = endpoint
  if (group === undefined) return endpoint
  const place = { topic: event.topic, group }
  return {
    ...endpoint,
    dispatch: watchedDispatch(endpoint, place, watch),
    ...(batch && { batch: watchedBatch(batch, place, watch) }),
  }
}

type Place = Pick<HandledMessage, 'topic' | 'group'>

function watchedDispatch(
  endpoint: { dispatch(arrival: Arrival): Promise<Outcome> },
  place: Place,
  watch: MessageWatch,
): (arrival: Arrival) => Promise<Outcome> {
  return async (arrival) => {
    const outcome = await endpoint.dispatch(arrival)
    tellOutcome(arrival, outcome, { place, watch })
    return outcome
  }
}

function watchedBatch(batch: BatchEndpoint, place: Place, watch: MessageWatch): BatchEndpoint {
  return {
    ...batch,
    dispatch: async (arrival) => {
      const outcomes = await batch.dispatch(arrival)
      for (const [index, outcome] of outcomes.entries()) {
        const message = arrival.messages[index]
        if (message) tellOutcome(message.arrival, outcome, { place, watch })
      }
      return outcomes
    },
  }
}

function tellOutcome(
  { metadata }: Pick<Arrival, 'metadata'>,
  outcome: Outcome,
  { place, watch }: { readonly place: Place; readonly watch: MessageWatch },
): void {
  const id = metadata['ce_id']
  if (typeof id !== 'string' || !id.startsWith(watch.idPrefix)) return
  watch.tell({ event: 'handled', ...place, id, ...(outcome.ok ? {} : { code: outcome.error.code }) })
}
