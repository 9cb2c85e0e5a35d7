import type { Service, ServiceDescription } from '@tenon/core'
import type { EventType, Operation } from '@tenon/core/contract'
import type { Transport, TransportHost } from '@tenon/core/transport'
import { loadService, ModuleError, type ServicePlace } from '../module/service-module.ts'

/** A service with what is needed to call it and to publish to it. */
export interface VerifiedService {
  readonly place: ServicePlace
  readonly name: string
  readonly version: string
  readonly description: ServiceDescription
  readonly operations: readonly Operation[]
  readonly topics: readonly ConsumedTopic[]
  /** Its own transports, bound to nothing: what publishes on the queue comes with them. */
  readonly transports: readonly Transport[]
}

/** A topic that the service consumes, with the event or command it carries, and the groups that handle it. */
export interface ConsumedTopic {
  readonly topic: string
  readonly message: { readonly event: EventType } | { readonly command: Operation }
  readonly groups: readonly string[]
}

/**
 * Loads a service, and looks into it without starting it.
 *
 * @throws ModuleError, also for a service that could not start
 */
export async function loadVerified(place: ServicePlace): Promise<VerifiedService> {
  const service = await loadService(place)
  const { ok, problems } = await service.check()
  if (!ok) throw new ModuleError(problems.map(({ message }) => message).join('\n'), { isOfService: true })
  const description = service.describe()
  const { host, transports } = await lookInto(service)
  const operations = host.operations.map(({ operation }) => operation)
  return {
    place,
    name: service.name,
    version: service.version,
    description,
    operations,
    topics: topicsOf(host, service.name),
    transports,
  }
}

interface Insight {
  readonly host: Pick<TransportHost, 'operations' | 'events'>
  readonly transports: readonly Transport[]
}

/** What a check binds its transports to is all that a service has. */
async function lookInto(service: Service): Promise<Insight> {
  let transports: readonly Transport[] = []
  let host: Insight['host'] = { operations: [], events: [] }
  const looking: Transport = {
    name: 'tenon-verify',
    carries: () => true,
    carriesEvents: true,
    bind: (given) => {
      host = given
      return {
        listen: async () => [],
        withdraw: () => undefined,
        drain: async () => undefined,
        close: async () => undefined,
      }
    },
  }
  await service.check({
    transports: (own) => {
      transports = own
      return [looking]
    },
  })
  return { host, transports }
}

/** Broadcasts are left out: who gets them cannot be counted, and nobody keeps them. */
function topicsOf({ operations, events }: Insight['host'], serviceName: string): readonly ConsumedTopic[] {
  const commands = operations.flatMap(({ operation }): ConsumedTopic[] =>
    operation.queue
      ? [
          {
            topic: operation.queue.topic,
            message: { command: operation },
            groups: [operation.queue.group ?? serviceName],
          },
        ]
      : [],
  )
  const consumed = events.filter(({ into, group }) => into === undefined && group !== undefined)
  const byTopic = [...Map.groupBy(consumed, ({ event }) => event.topic).values()]
  const consumers = byTopic.flatMap(([first, ...others]): ConsumedTopic[] =>
    first
      ? [
          {
            topic: first.event.topic,
            message: { event: first.event },
            groups: [...new Set([first, ...others].flatMap(({ group }) => group ?? []))],
          },
        ]
      : [],
  )
  return [...commands, ...consumers]
}
