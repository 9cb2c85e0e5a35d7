import type { Call, Metadata } from '../call/call.ts'
import { currentCall } from '../call/context.ts'
import { type Around, composeAround } from '../call/rule/compose-around.ts'
import { outgoingMetadata } from '../call/propagation.ts'
import type { Operation } from '../contract/operation.ts'
import { invalidArgument, markRemote, ServiceError } from '../error/service-error.ts'
import { type CompiledSchema, compileSchema, type SchemaResult } from '../schema/compiled-schema.ts'
import { type CallBounds, requireRunning } from './call-bounds.ts'
import type { ClientChannel, OutgoingCall } from './client-transport.ts'
import { OutputReader } from './output-reader.ts'
import { ReplyListeners } from './reply-listeners.ts'
import { WrittenItems } from './written-items.ts'

export interface CallOptions {
  /**
   * Longest time this call may take, in milliseconds above 0; never more than what the running call has left.
   *
   * @defaultValue that of the remote's policy, else the operation's `timeoutMs`
   */
  readonly timeoutMs?: number
  /** Ends the call as `cancelled`. @defaultValue the running call's signal */
  readonly signal?: AbortSignal
  /** Further metadata to send; keys are lower case. */
  readonly metadata?: Readonly<Record<string, string>>
  /**
   * Is told what the remote says before its output: HTTP headers, initial metadata of gRPC. At most once, before the call gives its
   * output or its first item; never when it ends without a reply. Keys are lower case, and values base64 where a key ends in `-bin`.
   * Entries of the transport's own are among them. What it throws fails the call.
   */
  readonly onHeaders?: (metadata: Metadata) => void
  /**
   * Is told what the remote says behind its output or its error (`call.setTrailer()`), as `onHeaders`: before the call is over, and
   * for a stream after its last item. Not told when the caller leaves before that.
   */
  readonly onTrailers?: (metadata: Metadata) => void
}

/** A call on its way out, as an interceptor sees it. */
export interface ClientCall extends OutgoingCall {
  /** The operation's id. */
  readonly operation: string
  /** What is sent along; an interceptor may add to it. */
  readonly metadata: Record<string, string>
}

/**
 * Runs around a call that goes out: `(call, next) => …`. `next()` sends it, with whatever lies further in, and gives the output
 * as it came; for an output stream, an `AsyncIterable`. It fails when the remote's output does not fit its schema, which no
 * interceptor gets to see. What the outermost gives is read as if it had come: one that does not fit fails the call with a
 * WiringError `wiring.interceptor` that names the client's interceptors. The call ends at its deadline and its signal, even
 * when an interceptor does not; `next()` sends nothing after that.
 */
export type ClientInterceptor = Around<ClientCall>

/** What the methods of one client share. */
export interface ClientParts {
  readonly channel: ClientChannel
  readonly interceptors: readonly ClientInterceptor[]
  readonly bounds: CallBounds
  /** Longest time a call may take that says nothing else. @defaultValue the operation's `timeoutMs` */
  readonly timeoutMs?: number | undefined
}

/** One operation as a function that calls it; what a call needs is compiled once. */
export function compileClientMethod(
  operation: Operation,
  { channel, interceptors, bounds, timeoutMs = operation.timeoutMs }: ClientParts,
): (input: unknown, options?: CallOptions) => unknown {
  const input = compileSchema(operation.inputSchema, operation.inputJsonSchema, `operation ${operation.id}: input`)
  const output = compileSchema(operation.outputSchema, operation.outputJsonSchema, `operation ${operation.id}: output`)
  const reader = new OutputReader(operation, output, interceptors)
  const isIntercepted = interceptors.length > 0
  const send = composeAround<PlannedCall>(interceptors, sender(operation, channel, isIntercepted ? reader : undefined))
  const isInputStream = operation.kind === 'client_stream' || operation.kind === 'bidi_stream'
  const toWireForm = (given: unknown) => (isInputStream ? wireItems(given, input) : toWire(input, given))
  const bounded = { bounds, isIntercepted, reader }
  const start = (wire: unknown, call: PlannedCall): unknown => {
    if (wire instanceof Promise) return bounds.wait(call, wire).then((value) => start(value, call))
    // Without interceptors there is only the channel to wait for, which ends the call itself.
    if (!isIntercepted) return send(wire, call)
    requireRunning(call)
    return bounds.wait(call, send(wire, call))
  }
  if (operation.kind === 'server_stream' || operation.kind === 'bidi_stream') {
    return (given, options = {}) => {
      const call = outgoing(operation, options, timeoutMs)
      const wire = toWireForm(given)
      // A stream whose items nobody asks for never looks at it.
      if (wire instanceof Promise) wire.catch(() => undefined)
      return receiveItems(() => start(wire, call), call, bounded)
    }
  }
  return async (given, options = {}) => {
    const call = outgoing(operation, options, timeoutMs)
    const output = await asRemote(() => start(toWireForm(given), call))
    call.listeners?.requireSound()
    return await readWithin(output, call, bounded)
  }
}

/** A call with the moment at which it ends. */
interface PlannedCall extends ClientCall {
  /** On the clock of `performance.now()`; undefined without a deadline. */
  readonly endsAtMs: number | undefined
  readonly listeners: ReplyListeners | undefined
}

/** What the outputs of a call are waited for with. */
interface Receiving {
  readonly bounds: CallBounds
  readonly isIntercepted: boolean
  readonly reader: OutputReader
}

/** What is innermost: sends the call, and checks what comes where somebody may change it before it is read. */
function sender(
  operation: Operation,
  channel: ClientChannel,
  checker: OutputReader | undefined,
): (wire: unknown, call: ClientCall) => unknown {
  const items = (wire: unknown) => wire as AsyncIterable<unknown>
  const send = {
    unary: (wire: unknown, call: ClientCall) => channel.unary(operation, wire, call),
    server_stream: (wire: unknown, call: ClientCall) => channel.serverStream(operation, wire, call),
    client_stream: (wire: unknown, call: ClientCall) => channel.clientStream(operation, items(wire), call),
    bidi_stream: (wire: unknown, call: ClientCall) => channel.bidiStream(operation, items(wire), call),
  }[operation.kind]
  const isOutputStream = operation.kind === 'server_stream' || operation.kind === 'bidi_stream'
  return (wire, call) => {
    requireRunning(call)
    const answer: unknown = send(wire, call)
    if (checker === undefined) return answer
    return isOutputStream
      ? checker.vouchItems(items(answer))
      : Promise.resolve(answer).then((one) => checker.vouch(one))
  }
}

/** Nothing is sent before the first item is asked for. */
async function* receiveItems(start: () => unknown, call: PlannedCall, receiving: Receiving): AsyncGenerator<unknown> {
  const { bounds, isIntercepted, reader } = receiving
  const iterator = reader.requireItems(await asRemote(start))[Symbol.asyncIterator]()
  let isStepping = false
  try {
    for (;;) {
      isStepping = true
      const step = await asRemote(() => (isIntercepted ? bounds.wait(call, iterator.next()) : iterator.next()))
      isStepping = false
      call.listeners?.requireSound()
      if (step.done) return
      yield await readWithin(step.value, call, receiving)
    }
  } finally {
    const closing = Promise.resolve(iterator.return?.())
    // A step that was cut may hang for as long as it likes, and the clean-up comes after it.
    if (isStepping) closing.catch(() => undefined)
    else await (isIntercepted ? bounds.waitToClose(call, closing) : closing)
  }
}

/** Only an asynchronous validator makes it a wait. */
function readWithin(output: unknown, call: PlannedCall, { bounds, reader }: Receiving): unknown {
  const value = reader.read(output)
  return value instanceof Promise ? bounds.wait(call, value) : value
}

function wireItems(inputs: unknown, schema: CompiledSchema): AsyncIterable<unknown> {
  return new WrittenItems(inputs, (input) => toWire(schema, input))
}

/** An input that does not fit is a fault of the code that calls, of which its own caller must not be told as if it were theirs. */
function toWire(schema: CompiledSchema, input: unknown): unknown {
  const result = schema.write(input)
  return result instanceof Promise ? result.then(fittingValue) : fittingValue(result)
}

function fittingValue(result: SchemaResult): unknown {
  if (!result.ok) throw markRemote(invalidArgument(result.violations))
  return result.value
}

async function asRemote<Value>(begin: () => Value | Promise<Value>): Promise<Value> {
  try {
    return await begin()
  } catch (error) {
    throw ServiceError.is(error) ? markRemote(error) : error
  }
}

/**
 * What goes along: the smaller of own and ambient deadline, inherited metadata, and a signal that ends with the running call.
 *
 * @throws RangeError for a `timeoutMs` that is none; ServiceError `deadline_exceeded` when the running call has no time left.
 */
function outgoing(operation: Operation, options: CallOptions, timeoutMs = Number.POSITIVE_INFINITY): PlannedCall {
  const ambient = currentCall()
  const ownMs = options.timeoutMs ?? timeoutMs
  if (!(ownMs > 0)) throw new RangeError(`${operation.id}: timeoutMs must be above 0, found ${ownMs}`)
  const endsAtMs = performance.now() + Math.min(ownMs, ambient?.remainingMs() ?? Number.POSITIVE_INFINITY)
  const listeners = options.onHeaders || options.onTrailers ? new ReplyListeners(options) : undefined
  const own = Object.entries(options.metadata ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const)
  return {
    operation: operation.id,
    endsAtMs: Number.isFinite(endsAtMs) ? endsAtMs : undefined,
    metadata: { ...outgoingMetadata(), ...Object.fromEntries(own) },
    // What is left when it is sent, which may be a while after it was asked for.
    get timeoutMs() {
      return Number.isFinite(endsAtMs) ? Math.max(0, endsAtMs - performance.now()) : undefined
    },
    signal: joinSignals(options.signal, ambient),
    listeners,
    onHeaders: listeners?.onHeaders,
    onTrailers: listeners?.onTrailers,
  }
}

function joinSignals(own: AbortSignal | undefined, ambient: Call | undefined): AbortSignal | undefined {
  if (ambient === undefined) return own
  return own ? AbortSignal.any([own, ambient.signal]) : ambient.signal
}
