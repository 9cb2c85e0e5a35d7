import type { AccessRule, Operation } from '../contract/operation.ts'
import type { Consuming } from '../handler/consuming-options.ts'
import type { Serving } from '../handler/serving-options.ts'
import type { EventEndpoint, OperationEndpoint } from '../transport/endpoint.ts'
import type { ReadVersion } from './read-versions.ts'
import type { ServiceSettings } from './service-options.ts'

/** An operation, with what its handler says of it. */
interface ServedOperation {
  readonly operation: Operation
  readonly serving: Serving
}

type OperationFacts = Omit<OperationEndpoint, 'dispatch'>
type EventFacts = Omit<EventEndpoint, 'batch' | 'dispatch'>

/** What transports are told of an operation: the same of a service that is only checked and of one that runs. */
export function operationFacts({ operation, serving }: ServedOperation, settings: ServiceSettings): OperationFacts {
  const { delivery, policy } = serving
  const admission = { access: accessOf({ operation, serving }, settings), hasPolicy: policy !== undefined }
  return { operation, admission, ...(delivery && { delivery }) }
}

/** What transports are told of one of the events that a consumer reads, likewise. */
export function eventFacts(
  { group, isBroadcast, start, delivery }: Consuming,
  { event, into }: Pick<ReadVersion, 'event' | 'into'>,
  service: string,
): EventFacts {
  const ofGroup = isBroadcast ? undefined : (group ?? service)
  return { event, group: ofGroup, delivery, ...(into && { into }), ...(start && { start }) }
}

/** The contract's word counts most: it is about the operation, and what callers were told. */
export function accessOf({ operation, serving }: ServedOperation, { defaultAccess }: ServiceSettings): AccessRule {
  return operation.access ?? serving.access ?? defaultAccess
}
