import type { Arrival, Outcome, Success } from '../../call/arrival.ts'
import type { Operation } from '../../contract/operation.ts'
import { ServiceError } from '../../error/service-error.ts'
import type { ChannelState, ClientChannel, OutgoingCall } from '../client-transport.ts'
import { LocalCall } from './local-call.ts'
import { compileLocalCodec, type LocalCodec, toReceived } from './local-codec.ts'
import { LocalInputs } from './local-inputs.ts'
import { toCarried } from './local-metadata.ts'
import type { LocalOffer } from './local-offers.ts'

/** How long running calls without a deadline may take to end once the channel closes. A guess, as over sockets. */
const closeMs = 1_000

/** Calls a service of this process through all of its call path, as if over a wire. */
export class LocalChannel implements ClientChannel {
  readonly #offer: LocalOffer
  readonly #codecs = new Map<string, LocalCodec>()
  readonly #running = new Set<LocalCall>()
  #idle: PromiseWithResolvers<void> | undefined
  #closed: Promise<void> | undefined

  constructor(offer: LocalOffer) {
    this.#offer = offer
  }

  async unary(operation: Operation, input: unknown, outgoing: OutgoingCall): Promise<unknown> {
    const codec = this.#codecOf(operation)
    const call = this.#enter(outgoing)
    try {
      const decoded = codec.input(input)
      return await this.#answer(operation, () => decoded, { codec, call, outgoing })
    } finally {
      call.leave()
    }
  }

  async *serverStream(operation: Operation, input: unknown, outgoing: OutgoingCall): AsyncGenerator<unknown> {
    const codec = this.#codecOf(operation)
    const call = this.#enter(outgoing)
    try {
      const decoded = codec.input(input)
      yield* this.#items(operation, () => decoded, { codec, call, outgoing })
    } finally {
      call.leave()
    }
  }

  async clientStream(operation: Operation, inputs: AsyncIterable<unknown>, outgoing: OutgoingCall): Promise<unknown> {
    const codec = this.#codecOf(operation)
    const call = this.#enter(outgoing)
    try {
      const sent = new LocalInputs(inputs, call, codec.input)
      return await this.#answer(operation, () => sent, { codec, call, outgoing })
    } finally {
      call.leave()
    }
  }

  async *bidiStream(
    operation: Operation,
    inputs: AsyncIterable<unknown>,
    outgoing: OutgoingCall,
  ): AsyncGenerator<unknown> {
    const codec = this.#codecOf(operation)
    const call = this.#enter(outgoing)
    try {
      const sent = new LocalInputs(inputs, call, codec.input)
      yield* this.#items(operation, () => sent, { codec, call, outgoing })
    } finally {
      call.leave()
    }
  }

  state(): ChannelState {
    return 'ready'
  }

  /** Resolves when no call runs on it. */
  whenIdle(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve()
    this.#idle ??= Promise.withResolvers()
    return this.#idle.promise
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish()
    return this.#closed
  }

  async #finish(): Promise<void> {
    const timer = setTimeout(() => this.#cutEndless(), closeMs)
    await this.whenIdle()
    clearTimeout(timer)
  }

  #cutEndless(): void {
    for (const call of this.#running)
      if (call.timeoutMs === undefined) call.end(new ServiceError('cancelled', 'the client was closed'))
  }

  #codecOf(operation: Operation): LocalCodec {
    const codec = this.#codecs.get(operation.id) ?? compileLocalCodec(operation)
    this.#codecs.set(operation.id, codec)
    return codec
  }

  /** @throws ServiceError `cancelled` */
  #enter(outgoing: OutgoingCall): LocalCall {
    if (outgoing.signal?.aborted) {
      const { reason: cause } = outgoing.signal
      throw new ServiceError('cancelled', 'the call was cancelled before it was sent', { cause })
    }
    const call = new LocalCall(outgoing, () => {
      this.#running.delete(call)
      if (this.#running.size > 0) return
      this.#idle?.resolve()
      this.#idle = undefined
    })
    this.#running.add(call)
    return call
  }

  /** The output as its caller gets it, with what was said before and behind it told. */
  async #answer(operation: Operation, decode: Arrival['decode'], { codec, call, outgoing }: Sending): Promise<unknown> {
    const outcome = await call.orEnd(this.#dispatch(operation, decode, { call, outgoing }))
    tellHeaders(outcome, outgoing)
    tellTrailers(outcome, outgoing)
    if (!outcome.ok) throw this.#received(operation, outcome.error)
    return this.#written(operation, () => codec.output(outcome.value))
  }

  async *#items(
    operation: Operation,
    decode: Arrival['decode'],
    { codec, call, outgoing }: Sending,
  ): AsyncGenerator<unknown> {
    const dispatched = this.#dispatch(operation, decode, { call, outgoing })
    // Not by who reads: it may ask for nothing more, or have left before there is anything to read.
    void dispatched.then((outcome) => outcome.ok && call.whenOver(() => this.#release(outcome)))
    const outcome = await call.orEnd(dispatched)
    if (!outcome.ok) {
      tellHeaders(outcome, outgoing)
      tellTrailers(outcome, outgoing)
      throw this.#received(operation, outcome.error)
    }
    const items = iteratorOf(outcome)
    let next = this.#step(items)
    // The handler has begun, and may wait long for its first item.
    tellHeaders(outcome, outgoing)
    for (;;) {
      const { error, step } = await call.orEnd(next)
      if (step?.done !== false) tellTrailers(outcome, outgoing)
      if (error) throw this.#received(operation, error)
      if (step?.done !== false) return
      yield this.#written(operation, () => codec.output(step.value))
      next = this.#step(items)
    }
  }

  #step(items: AsyncIterator<unknown>): Promise<Stepped> {
    return this.#offer
      .outside(() => items.next())
      .then(
        (step) => ({ step }),
        (error: ServiceError) => ({ error }),
      )
  }

  /** One that hangs is told by the signal of its call, and nobody waits for it. */
  #release(outcome: Success): void {
    this.#offer.outside(() => iteratorOf(outcome).return?.())?.catch(() => undefined)
  }

  /** @throws ServiceError `unimplemented`, `invalid_argument` for metadata */
  #dispatch(
    operation: Operation,
    decode: Arrival['decode'],
    { call, outgoing }: Omit<Sending, 'codec'>,
  ): Promise<Outcome> {
    const { timeoutMs, signal } = call
    const metadata = toCarried(outgoing.metadata)
    const outcome = this.#offer.dispatch(operation, { transport: 'local', metadata, timeoutMs, signal, decode })
    if (outcome === undefined) throw new ServiceError('unimplemented', `the service does not offer ${operation.id}`)
    return outcome
  }

  #received(operation: Operation, error: ServiceError): ServiceError {
    return this.#written(operation, () => toReceived(error))
  }

  /**
   * What the callee's side writes. What cannot be written is its fault, which its log tells of.
   *
   * @throws ServiceError `internal`
   */
  #written<Value>({ id }: Operation, write: () => Value): Value {
    try {
      return write()
    } catch (cause) {
      this.#offer.log.error({ err: cause, operation: id }, 'what a local call came to could not be written')
      throw new ServiceError('internal', 'an internal error occurred')
    }
  }
}

/** A call, and what goes along with it. */
interface Sending {
  readonly codec: LocalCodec
  readonly call: LocalCall
  readonly outgoing: OutgoingCall
}

/** What came of a step of a stream. */
interface Stepped {
  readonly step?: IteratorResult<unknown>
  readonly error?: ServiceError
}

function iteratorOf({ value }: Success): AsyncIterator<unknown> {
  return (value as AsyncIterable<unknown>)[Symbol.asyncIterator]()
}

function tellHeaders({ headers }: Outcome, { onHeaders }: OutgoingCall): void {
  onHeaders?.({ ...headers })
}

/** To be called when the output is out: before that, a handler may say more. */
function tellTrailers({ trailers }: Outcome, { onTrailers }: OutgoingCall): void {
  if (trailers !== undefined) onTrailers?.({ ...trailers })
}
