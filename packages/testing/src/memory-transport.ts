import { randomUUID } from 'node:crypto'
import type { QueueOperation } from '@tenon/core/client'
import type { EventType, InputToSend, IsStreaming, Operation, Output, PayloadToSend } from '@tenon/core/contract'
import {
  type Arrival,
  type EventEndpoint,
  type Failure,
  type Metadata,
  type OperationEndpoint,
  type Outcome,
  type Principal,
  ServiceError,
  type Success,
  type Transport,
  type TransportHost,
  type TransportServer,
  unlessAborted,
} from '@tenon/core/transport'
import { copyItems, copyOf } from './input-copy.ts'
import { deliverBatch, deliverEvent } from './batch-delivery.ts'
import { type Delivery, deliver, type MessageOptions } from './memory-delivery.ts'
import { MemoryStream } from './memory-stream.ts'

export interface MemoryCallOptions {
  /** Who calls. The service's authenticator is not asked then; its access rules and policies count all the same. */
  readonly principal?: Principal
  /** Lower-case keys. */
  readonly metadata?: Metadata
  /** How long the caller is willing to wait, in milliseconds. @defaultValue the operation's own limit alone */
  readonly timeoutMs?: number
  /** Ends the call as `cancelled`, whatever its handler does. */
  readonly signal?: AbortSignal
}

/** What a call came to, typed by its operation. The output is as the handler's side wrote it: no transform has run yet. */
export type OutcomeOf<Op extends Operation> = SuccessOf<Op> | Failure

export interface SuccessOf<Op extends Operation> extends Success {
  /** For a stream an `AsyncIterable` whose steps throw only `ServiceError`. */
  readonly value: IsStreaming<Op> extends true ? AsyncIterableIterator<Output<Op>> : Output<Op>
}

/** A transport without a wire: calls and messages go through the whole pipeline inside the process. */
export interface MemoryTransport extends Transport {
  /**
   * Calls an operation of the service this transport was given to.
   *
   * @throws ServiceError `unimplemented` when the service does not offer the operation, `unavailable` when it does not run;
   * DataCloneError for an input that no wire could carry, such as a function.
   */
  call<Op extends Operation>(operation: Op, input: InputToSend<Op>, options?: MemoryCallOptions): Promise<OutcomeOf<Op>>
  /**
   * Delivers an event to the consumer of the service, once: a message that fails is not delivered again.
   *
   * @throws ServiceError `unimplemented` when the service does not consume the event, `unavailable` when it does not run;
   * TypeError when several consume it and neither `group` nor `broadcast` says which. Several broadcasts all get it.
   */
  publish<Event extends EventType>(
    event: Event,
    payload: PayloadToSend<Event>,
    options?: MessageOptions,
  ): Promise<Delivery>
  /**
   * Delivers several events at once to the consumer of batches, as `publish` does, without a wait for others. What became of each, in
   * their order; those that cannot be read are in no batch. More than it takes at a time come in several batches.
   *
   * @throws as `publish`; TypeError for a consumer that takes messages one by one.
   */
  publishBatch<Event extends EventType>(
    event: Event,
    payloads: readonly PayloadToSend<Event>[],
    options?: MessageOptions,
  ): Promise<readonly Delivery[]>
  /** Delivers an operation's input as a command, as `publish` does. Its output is dropped. */
  send<Op extends QueueOperation>(operation: Op, input: InputToSend<Op>, options?: MessageOptions): Promise<Delivery>
}

/** A transport for tests: put it in a service's `transports`. Carries every operation, and delivers events to consumers. */
export function memoryTransport(): MemoryTransport {
  let server: MemoryServer | undefined
  const running = (): MemoryServer => {
    if (server === undefined) throw new ServiceError('unavailable', 'the service does not run')
    return server
  }
  return {
    name: 'memory',
    carries: () => true,
    carriesEvents: true,
    bind: (host) => {
      const bound = new MemoryServer(host, () => {
        if (server === bound) server = undefined
      })
      server = bound
      return bound
    },
    call: async <Op extends Operation>(operation: Op, input: InputToSend<Op>, options: MemoryCallOptions = {}) =>
      // What an operation writes fits its type, which the dispatcher does not know.
      (await running().call(operation, input, options)) as OutcomeOf<Op>,
    publish: async (event, payload, options = {}) => deliverEvent(running().consumersOf(event), payload, options),
    publishBatch: async (event, payloads, options = {}) =>
      deliverBatch(running().consumersOf(event), payloads, options),
    send: async (operation, input, options = {}) => deliver([running().commandOf(operation)], input, options),
  }
}

class MemoryServer implements TransportServer {
  readonly #operations: ReadonlyMap<string, OperationEndpoint>
  readonly #events: readonly EventEndpoint[]
  readonly #service: string
  readonly #streams = new Set<MemoryStream>()
  readonly #closed: () => void
  #isDraining = false

  constructor({ operations, events, service }: TransportHost, closed: () => void) {
    this.#operations = new Map(operations.map((endpoint) => [endpoint.operation.id, endpoint]))
    this.#events = events
    this.#service = service.name
    this.#closed = closed
  }

  async listen(): Promise<readonly []> {
    return []
  }

  withdraw(): void {}

  /** Running work ends by itself; a stream that nobody reads would not. */
  async drain(): Promise<void> {
    this.#isDraining = true
    for (const stream of this.#streams) stream.drain()
  }

  async close(): Promise<void> {
    this.#closed()
  }

  async call(operation: Operation, input: unknown, options: MemoryCallOptions): Promise<Outcome> {
    const { signal } = options
    const endpoint = this.#endpointOf(operation)
    const arrival = toArrival(operation, input, options)
    const callId = arrival.metadata['x-request-id'] ?? ''
    const dispatched = endpoint.dispatch(arrival)
    const outcome = signal ? await unlessAborted(dispatched, signal) : await dispatched
    if (outcome === undefined) {
      void dispatched.then(closeStream)
      return { ok: false, error: callerGone(), callId, headers: undefined }
    }
    return outcome.ok && isItems(outcome.value) ? this.#withStream(outcome, outcome.value, signal) : outcome
  }

  /** @throws ServiceError `unimplemented` */
  consumersOf({ topic }: EventType): readonly EventEndpoint[] {
    const found = this.#events.filter(({ event }) => event.topic === topic)
    if (found.length === 0) throw new ServiceError('unimplemented', `the service does not consume event ${topic}`)
    return found
  }

  /** @throws ServiceError `unimplemented` */
  commandOf(operation: Operation) {
    const endpoint = this.#endpointOf(operation)
    return { operation, group: operation.queue?.group ?? this.#service, dispatch: endpoint.dispatch.bind(endpoint) }
  }

  #endpointOf({ id }: Operation): OperationEndpoint {
    const endpoint = this.#operations.get(id)
    if (endpoint === undefined) throw new ServiceError('unimplemented', `the service does not offer ${id}`)
    return endpoint
  }

  #withStream(outcome: Success, items: AsyncIterableIterator<unknown>, signal: AbortSignal | undefined): Success {
    const stream = new MemoryStream(items, { signal, over: () => this.#streams.delete(stream) })
    this.#streams.add(stream)
    if (this.#isDraining) stream.drain()
    const { callId } = outcome
    return {
      ok: true,
      value: stream,
      callId,
      get headers() {
        return outcome.headers
      },
      get trailers() {
        return outcome.trailers
      },
    }
  }
}

function toArrival(operation: Operation, input: unknown, options: MemoryCallOptions): Arrival {
  const { metadata = {}, timeoutMs, signal, principal } = options
  const takesItems = operation.kind === 'client_stream' || operation.kind === 'bidi_stream'
  // A copy, as a wire would make one: the pipeline owns what it decodes.
  const copy = takesItems ? copyItems(input) : copyOf(input)
  return { transport: 'memory', metadata: named(metadata), timeoutMs, signal, principal, decode: () => copy }
}

/** Names the call where its caller did not, so that one who leaves before the answer knows its id too. Handlers do not see it among the metadata. */
function named(metadata: Metadata): Metadata {
  if (metadata['x-request-id'] !== undefined) return { ...metadata }
  return Object.defineProperty({ ...metadata }, 'x-request-id', { value: randomUUID(), enumerable: false })
}

function callerGone(): ServiceError {
  return new ServiceError('cancelled', 'the caller is gone')
}

function isItems(value: unknown): value is AsyncIterableIterator<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

async function closeStream(outcome: Outcome): Promise<void> {
  if (outcome.ok && isItems(outcome.value)) await outcome.value.return?.()
}
