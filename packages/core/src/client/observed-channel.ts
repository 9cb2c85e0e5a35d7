import { ambientCall } from '../call/context.ts'
import type { Operation } from '../contract/operation.ts'
import { ServiceError } from '../error/service-error.ts'
import { attemptConvention, type CallConvention, logicalCallConvention } from '../telemetry/convention.ts'
import { ObservedCall } from '../telemetry/observed-call.ts'
import { isObserving } from '../telemetry/registered.ts'
import { traceWithin } from '../telemetry/trace.ts'
import { stateOf } from './channel-state.ts'
import type {
  ChannelState,
  ClientChannel,
  ClientTarget,
  ClientTransport,
  ConnectionUse,
  OutgoingCall,
} from './client-transport.ts'

/** Opens a channel whose calls have a span each where an OpenTelemetry SDK is registered, and go out as a part of it. */
export function openObserved(via: ClientTransport, target: ClientTarget): ClientChannel {
  return new ObservedChannel(via, target)
}

/** Makes a call that may go out several times, with a span around all of that. */
export function observeLogical<Answer>(
  operation: Operation,
  call: OutgoingCall,
  run: (call: OutgoingCall) => Promise<Answer>,
): Promise<Answer> {
  const logical = begin(() => logicalCallConvention(operation.id), call)
  return logical === undefined ? run(call) : answerOf(logical, () => run({ ...call, trace: logical.context }))
}

/** As `observeLogical`, for items. */
export function observeLogicalItems(
  operation: Operation,
  call: OutgoingCall,
  run: (call: OutgoingCall) => AsyncIterable<unknown>,
): AsyncIterable<unknown> {
  if (!isObserving()) return run(call)
  return itemsOf(
    call,
    () => begin(() => logicalCallConvention(operation.id), call),
    (logical) => run(logical === undefined ? call : { ...call, trace: logical.context }),
  )
}

class ObservedChannel implements ClientChannel {
  readonly #inner: ClientChannel
  readonly #via: ClientTransport
  readonly #target: ClientTarget
  readonly #conventions = new Map<string, CallConvention>()

  constructor(via: ClientTransport, target: ClientTarget) {
    this.#inner = via.open(target)
    this.#via = via
    this.#target = target
  }

  unary(operation: Operation, input: unknown, call: OutgoingCall): Promise<unknown> {
    const attempt = this.#begin(operation, call)
    if (attempt === undefined) return this.#inner.unary(operation, input, call)
    return answerOf(attempt, () => this.#inner.unary(operation, input, toSent(call, attempt)))
  }

  serverStream(operation: Operation, input: unknown, call: OutgoingCall): AsyncIterable<unknown> {
    if (!isObserving()) return this.#inner.serverStream(operation, input, call)
    return itemsOf(
      call,
      () => this.#begin(operation, call),
      (attempt) => this.#inner.serverStream(operation, input, toSent(call, attempt)),
    )
  }

  clientStream(operation: Operation, inputs: AsyncIterable<unknown>, call: OutgoingCall): Promise<unknown> {
    const attempt = this.#begin(operation, call)
    if (attempt === undefined) return this.#inner.clientStream(operation, inputs, call)
    return answerOf(attempt, () => this.#inner.clientStream(operation, inputs, toSent(call, attempt)))
  }

  bidiStream(operation: Operation, inputs: AsyncIterable<unknown>, call: OutgoingCall): AsyncIterable<unknown> {
    if (!isObserving()) return this.#inner.bidiStream(operation, inputs, call)
    return itemsOf(
      call,
      () => this.#begin(operation, call),
      (attempt) => this.#inner.bidiStream(operation, inputs, toSent(call, attempt)),
    )
  }

  state(): ChannelState {
    return stateOf(this.#inner)
  }

  use(): ConnectionUse | undefined {
    return this.#inner.use?.()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  #begin(operation: Operation, call: OutgoingCall): ObservedCall | undefined {
    return begin(() => this.#conventionOf(operation), call)
  }

  #conventionOf(operation: Operation): CallConvention {
    const { id } = operation
    const known = this.#conventions.get(id)
    if (known) return known
    const [via, place] = [this.#via, this.#target]
    const made = via.convention?.(operation, place) ?? attemptConvention(via.name, { operation: id, place })
    this.#conventions.set(id, made)
    return made
  }
}

function begin(convention: () => CallConvention, { trace }: OutgoingCall): ObservedCall | undefined {
  return ObservedCall.begin(convention, () => ({ parent: trace ?? traceWithin(ambientCall()?.trace) }))
}

function toSent(call: OutgoingCall, attempt: ObservedCall | undefined): OutgoingCall {
  return attempt === undefined ? call : { ...call, metadata: attempt.carry(call.metadata), observed: attempt }
}

async function answerOf<Answer>(observed: ObservedCall, work: () => Promise<Answer>): Promise<Answer> {
  try {
    const answer = await work()
    observed.end(undefined)
    return answer
  } catch (error) {
    observed.fail(error)
    throw error
  }
}

/** It begins when the first item is asked for. */
async function* itemsOf(
  call: OutgoingCall,
  start: () => ObservedCall | undefined,
  run: (observed: ObservedCall | undefined) => AsyncIterable<unknown>,
): AsyncGenerator<unknown> {
  const observed = start()
  const stay = observed && endUnread(observed, call)
  try {
    yield* run(observed)
    observed?.end(undefined)
  } catch (error) {
    observed?.fail(error)
    throw error
  } finally {
    stay?.()
    // What has ended by now has ended: this is the reader who left.
    observed?.end(new ServiceError('cancelled', 'the reader left'))
  }
}

/**
 * Ends a call that is over though its reader neither asks for more nor leaves, who may never do: a span that does not end is never told of,
 * and those below it are parts of nothing. A reader who asks has been told by then.
 *
 * @returns What a reader calls who has read to the end, or left.
 */
function endUnread(observed: ObservedCall, { signal, timeoutMs }: OutgoingCall): () => void {
  const end = (code: 'cancelled' | 'deadline_exceeded') => {
    stay()
    observed.end(new ServiceError(code, 'the reader asked for no more'))
  }
  const cancelled = () => void setTimeout(end, graceMs, 'cancelled').unref()
  const waitMs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : timeoutMs + graceMs
  const timer = waitMs > longestDelayMs ? undefined : setTimeout(end, waitMs, 'deadline_exceeded').unref()
  const stay = () => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', cancelled)
  }
  signal?.addEventListener('abort', cancelled, { once: true })
  return stay
}

/** A guess: whoever asks for the next item is told within it that the call is over. */
const graceMs = 100

/** A timer fires at once when its delay is longer. @see Node.js documentation, setTimeout */
const longestDelayMs = 2 ** 31 - 1
