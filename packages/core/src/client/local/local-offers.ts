import { AsyncLocalStorage } from 'node:async_hooks'
import type { Arrival, Outcome } from '../../call/arrival.ts'
import type { Operation } from '../../contract/operation.ts'
import type { Logger } from '../../telemetry/log.ts'

/** What a service that runs lets others of its process call without a socket. */
export interface LocalOffer {
  /** The service and the copy of it: `user/3f2a`. */
  readonly address: string
  /** Whether it would rather have calls sent elsewhere, as it is about to drain. */
  readonly isLeaving: boolean
  /** That of the service, which its callers do not see. */
  readonly log: Logger
  offers(operation: Operation): boolean
  /** Serves a call as if it had come over a wire; undefined for an operation that it does not offer. */
  dispatch(operation: Operation, arrival: Arrival): Promise<Outcome> | undefined
  /** Runs a step of such a call apart from what its caller keeps in an `AsyncLocalStorage`. */
  outside<Result>(step: () => Result): Result
}

/** An operation with its whole call path behind it. */
export interface OfferedOperation {
  readonly operation: Operation
  /** Never rejects. */
  dispatch(arrival: Arrival): Promise<Outcome>
}

/** Who offers something, and how long. */
export interface Offering {
  readonly of: { readonly name: string; readonly instanceId: string }
  /** Fires when it would rather not be called any more. */
  readonly leaving: AbortSignal
  /** Fires when it takes no calls any more. */
  readonly draining: AbortSignal
  readonly log: Logger
}

/** Who in this process offers what. */
const offers = new Set<LocalOffer>()
const listeners = new Set<() => void>()

/** Offers operations to this process, until the service drains. */
export function offerLocally(
  operations: readonly OfferedOperation[],
  { of: { name, instanceId }, leaving, draining, log }: Offering,
): void {
  if (operations.length === 0 || draining.aborted) return
  const endpoints = new Map(operations.map((endpoint) => [endpoint.operation.id, endpoint]))
  const outside = AsyncLocalStorage.snapshot()
  const offer: LocalOffer = {
    address: `${name}/${instanceId}`,
    get isLeaving() {
      return leaving.aborted
    },
    log,
    offers: ({ id }) => endpoints.has(id),
    dispatch: ({ id }, arrival) => {
      const endpoint = endpoints.get(id)
      return endpoint && outside(() => endpoint.dispatch(arrival))
    },
    outside: (step) => outside(step),
  }
  offers.add(offer)
  leaving.addEventListener('abort', tell, { once: true })
  const withdraw = () => {
    leaving.removeEventListener('abort', tell)
    offers.delete(offer)
    tell()
  }
  draining.addEventListener('abort', withdraw, { once: true })
  tell()
}

/** Who offers any of the operations now. */
export function offersOf(operations: readonly Operation[]): readonly LocalOffer[] {
  return [...offers].filter((offer) => operations.some((operation) => offer.offers(operation)))
}

/** Calls the listener when somebody comes, is about to leave, or leaves. */
export function onOffersChange(listener: () => void): Disposable {
  listeners.add(listener)
  return { [Symbol.dispose]: () => void listeners.delete(listener) }
}

function tell(): void {
  for (const listener of listeners) listener()
}
