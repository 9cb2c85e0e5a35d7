import type { Arrival, Outcome } from '../../call/arrival.ts'
import type { ContractInfo } from '../../contract/contract.ts'
import type { Operation } from '../../contract/operation.ts'
import { ServiceError } from '../../error/service-error.ts'
import type { ChannelState, ClientChannel, OutgoingCall } from '../client-transport.ts'
import { LocalCall } from './local-call.ts'
import { compileLocalCodec, type LocalCodec, toReceived } from './local-codec.ts'
import { LocalInputs } from './local-inputs.ts'
import type { LocalOffer } from './local-offers.ts'

/** How long running calls without a deadline may take to end once the channel closes. A guess, as over sockets. */
const closeMs = 1_000

/** Calls a service of this process through all of its call path, as if over a wire. */
export class LocalChannel implements ClientChannel {
  readonly #offer: LocalOffer
  readonly #codecs: ReadonlyMap<string, LocalCodec>
  readonly #running = new Set<LocalCall>()
  #idle: (() => void) | undefined
  #closed: Promise<void> | undefined

  constructor({ operations }: ContractInfo, offer: LocalOffer) {
    this.#offer = offer
    this.#codecs = new Map(operations.map((operation) => [operation.id, compileLocalCodec(operation)]))
  }

  async unary(operation: Operation, input: unknown, outgoing: OutgoingCall): Promise<unknown> {
    const codec = this.#codecOf(operation)
    const call = this.#enter(outgoing)
    try {
      const decoded = codec.input(input)
      return codec.output(await this.#answer(operation, () => decoded, { call, outgoing }))
    } finally {
      call[Symbol.dispose]()
    }
  }

  async *serverStream(operation: Operation, input: unknown, outgoing: OutgoingCall): AsyncGenerator<unknown> {
    const codec = this.#codecOf(operation)
    const call = this.#enter(outgoing)
    try {
      const decoded = codec.input(input)
      yield* this.#items(operation, () => decoded, { call, outgoing })
    } finally {
      call[Symbol.dispose]()
    }
  }

  async clientStream(operation: Operation, inputs: AsyncIterable<unknown>, outgoing: OutgoingCall): Promise<unknown> {
    const codec = this.#codecOf(operation)
    const call = this.#enter(outgoing)
    const sent = new LocalInputs(inputs, call, codec.input)
    try {
      return codec.output(await this.#answer(operation, () => sent, { call, outgoing }))
    } finally {
      sent.end()
      call[Symbol.dispose]()
    }
  }

  async *bidiStream(
    operation: Operation,
    inputs: AsyncIterable<unknown>,
    outgoing: OutgoingCall,
  ): AsyncGenerator<unknown> {
    const codec = this.#codecOf(operation)
    const call = this.#enter(outgoing)
    const sent = new LocalInputs(inputs, call, codec.input)
    try {
      yield* this.#items(operation, () => sent, { call, outgoing })
    } finally {
      sent.end()
      call[Symbol.dispose]()
    }
  }

  state(): ChannelState {
    return 'ready'
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish()
    return this.#closed
  }

  async #finish(): Promise<void> {
    if (this.#running.size === 0) return
    const timer = setTimeout(() => this.#cutEndless(), closeMs)
    await new Promise<void>((resolve) => (this.#idle = resolve))
    clearTimeout(timer)
  }

  #cutEndless(): void {
    for (const call of this.#running)
      if (call.timeoutMs === undefined) call.end(new ServiceError('cancelled', 'the client was closed'))
  }

  /** @throws ServiceError `unimplemented` */
  #codecOf(operation: Operation): LocalCodec {
    const codec = this.#offer.offers(operation) ? this.#codecs.get(operation.id) : undefined
    if (codec === undefined) throw notOffered(operation)
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
      if (this.#running.size === 0) this.#idle?.()
    })
    this.#running.add(call)
    return call
  }

  /** The output as its handler's side wrote it, with what was said before and behind it told. */
  async #answer(operation: Operation, decode: Arrival['decode'], sending: Sending): Promise<unknown> {
    const outcome = await this.#send(operation, decode, sending)
    const { outgoing } = sending
    tellHeaders(outcome, outgoing)
    tellTrailers(outcome, outgoing)
    if (!outcome.ok) throw toReceived(outcome.error)
    return outcome.value
  }

  async *#items(operation: Operation, decode: Arrival['decode'], sending: Sending): AsyncGenerator<unknown> {
    const { call, outgoing } = sending
    const outcome = await this.#send(operation, decode, sending)
    if (!outcome.ok) {
      tellHeaders(outcome, outgoing)
      tellTrailers(outcome, outgoing)
      throw toReceived(outcome.error)
    }
    const items = (outcome.value as AsyncIterable<unknown>)[Symbol.asyncIterator]()
    const { output } = this.#codecOf(operation)
    let isTold = false
    try {
      for (;;) {
        const { error, step } = await call.orEnd(this.#step(items))
        // Only now: a handler has until its first item to say them.
        if (!isTold) tellHeaders(outcome, outgoing)
        isTold = true
        if (step?.done !== false) tellTrailers(outcome, outgoing)
        if (error) throw toReceived(error)
        if (step?.done !== false) return
        yield output(step.value)
      }
    } finally {
      // One that hangs is told by the signal of its call, and nobody waits for it.
      this.#offer.outside(() => items.return?.())?.catch(() => undefined)
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

  #send(operation: Operation, decode: Arrival['decode'], { call, outgoing }: Sending): Promise<Outcome> {
    const { timeoutMs, signal } = call
    const arrival: Arrival = { transport: 'local', metadata: { ...outgoing.metadata }, timeoutMs, signal, decode }
    const outcome = this.#offer.dispatch(operation, arrival)
    if (outcome === undefined) throw notOffered(operation)
    return call.orEnd(outcome)
  }
}

/** A call, and what goes along with it. */
interface Sending {
  readonly call: LocalCall
  readonly outgoing: OutgoingCall
}

/** What came of a step of a stream. */
interface Stepped {
  readonly step?: IteratorResult<unknown>
  readonly error?: ServiceError
}

function notOffered({ id }: Operation): ServiceError {
  return new ServiceError('unimplemented', `the service does not offer ${id}`)
}

function tellHeaders({ headers }: Outcome, { onHeaders }: OutgoingCall): void {
  onHeaders?.({ ...headers })
}

/** To be called when the output is out: before that, a handler may say more. */
function tellTrailers({ trailers }: Outcome, { onTrailers }: OutgoingCall): void {
  if (trailers !== undefined) onTrailers?.({ ...trailers })
}
