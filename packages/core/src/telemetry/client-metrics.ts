import { boundedValues, overflow } from './bounded-values.ts'
import { counter, upDownCounter } from './instrument.ts'

/** An instance of another service. */
export interface CalledInstance {
  /** Of the client: the name of its contract. */
  readonly contract: string
  readonly address: string
}

/** What says which remote it was. */
export interface RemoteAttributes {
  readonly 'tenon.client.contract': string
}

/** What says which instance it was, unless there were too many of them. */
export type InstanceAttributes = RemoteAttributes & ({ readonly 'tenon.client.address': string } | typeof overflow)

export function remoteAttributes(contract: string): RemoteAttributes {
  return Object.freeze({ 'tenon.client.contract': contract })
}

export function instanceAttributes({ contract, address }: CalledInstance): InstanceAttributes {
  return Object.freeze({
    ...remoteAttributes(contract),
    ...(isToldApart(address) ? { 'tenon.client.address': address } : overflow),
  })
}

/** Of all clients: where instances come and go, their addresses have no end. */
const isToldApart = boundedValues()

/** Counts a call that is given to an instance. */
export function recordPick(attributes: InstanceAttributes): void {
  counter('tenon.client.picks').add(1, attributes)
}

/** Counts an instance that is taken out. */
export function recordEjection(attributes: InstanceAttributes, reason: string): void {
  counter('tenon.client.ejections').add(1, { ...attributes, 'tenon.client.reason': reason })
}

/** Counts an instance that is taken in again. */
export function recordReturn(attributes: InstanceAttributes): void {
  counter('tenon.client.returns').add(1, attributes)
}

/** Counts a call that an instance was not given. */
export function recordPassedOver(attributes: InstanceAttributes): void {
  counter('tenon.client.passed_over_calls').add(1, attributes)
}

/**
 * Keeps the number of breakers that are open. Closed ones are not counted: a breaker begins as one, before there may be an SDK.
 *
 * @param attributes Of the remote, or of the instance.
 */
export function recordBreaker(attributes: RemoteAttributes | InstanceAttributes, state: 'open' | 'closed'): void {
  upDownCounter('tenon.client.open_breakers').add(state === 'open' ? 1 : -1, attributes)
}
