import type { Call } from '../call/call.ts'
import { currentCall } from '../call/context.ts'
import { type Around, composeAround } from '../call/compose-around.ts'
import { outgoingMetadata } from '../call/propagation.ts'
import type { Operation } from '../contract/operation.ts'
import { invalidArgument, markRemote, ServiceError } from '../error/service-error.ts'
import { type CompiledSchema, compileSchema, type SchemaResult } from '../schema/compiled-schema.ts'
import type { ClientChannel, OutgoingCall } from './client-transport.ts'
import { OutputAuthors } from './output-author.ts'

export interface CallOptions {
  /**
   * Longest time this call may take, in milliseconds above 0; never more than what the running call has left.
   *
   * @defaultValue the operation's `timeoutMs`
   */
  readonly timeoutMs?: number
  /** Ends the call as `cancelled`. @defaultValue the running call's signal */
  readonly signal?: AbortSignal
  /** Further metadata to send; keys are lower case. */
  readonly metadata?: Readonly<Record<string, string>>
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
 * as it came; for an output stream, an `AsyncIterable`. What an interceptor gives in its place is read as if it had come: one that
 * does not fit fails the call with a WiringError `wiring.interceptor` that names the interceptor.
 */
export type ClientInterceptor = Around<ClientCall>

/** One operation as a function that calls it; what a call needs is compiled once. */
export function compileClientMethod(
  operation: Operation,
  channel: ClientChannel,
  interceptors: readonly ClientInterceptor[],
): (input: unknown, options?: CallOptions) => unknown {
  const schemas = {
    input: compileSchema(operation.inputSchema, operation.inputJsonSchema, `operation ${operation.id}: input`),
    output: compileSchema(operation.outputSchema, operation.outputJsonSchema, `operation ${operation.id}: output`),
  }
  const authors = new OutputAuthors(interceptors)
  const send = composeAround<ClientCall>(authors.around, sender(operation, channel, authors))
  const isInputStream = operation.kind === 'client_stream' || operation.kind === 'bidi_stream'
  const prepare = (input: unknown, options: CallOptions): PreparedCall => {
    const call = outgoing(operation, options)
    const wire = isInputStream ? wireItems(input, schemas.input) : toWire(schemas.input, input)
    const toError = (output: unknown, fault: string) => authors.errorFor(call, output, fault)
    const read = (output: unknown) => fromWire(schemas.output, output, toError)
    if (!(wire instanceof Promise)) return { start: async () => await asRemote(send(wire, call)), read, toError }
    // A stream whose items nobody asks for never looks at it.
    wire.catch(() => undefined)
    return { start: async () => await asRemote(send(await wire, call)), read, toError }
  }
  if (operation.kind === 'server_stream' || operation.kind === 'bidi_stream') {
    return (input, options = {}) => receiveItems(prepare(input, options))
  }
  return async (input, options = {}) => {
    const { start, read } = prepare(input, options)
    return await read(await start())
  }
}

/** A call that is ready to go out. */
interface PreparedCall {
  /** Sends it; for an output stream, gives the items. */
  readonly start: () => Promise<unknown>
  /** Reads the output, or one item of it. */
  readonly read: (output: unknown) => Promise<unknown>
  readonly toError: ToOutputError
}

/** The error for an output with a fault. */
type ToOutputError = (output: unknown, fault: string) => Error

function sender(
  operation: Operation,
  channel: ClientChannel,
  authors: OutputAuthors,
): (wire: unknown, call: ClientCall) => unknown {
  const items = (wire: unknown) => wire as AsyncIterable<unknown>
  const send = {
    unary: (wire: unknown, call: ClientCall) => channel.unary(operation, wire, call),
    server_stream: (wire: unknown, call: ClientCall) =>
      authors.noteItems(channel.serverStream(operation, wire, call), call),
    client_stream: (wire: unknown, call: ClientCall) => channel.clientStream(operation, items(wire), call),
    bidi_stream: (wire: unknown, call: ClientCall) =>
      authors.noteItems(channel.bidiStream(operation, items(wire), call), call),
  }[operation.kind]
  return (wire, call) => {
    if (call.timeoutMs === 0)
      throw new ServiceError('deadline_exceeded', 'no time is left for a call of another service')
    return send(wire, call)
  }
}

/** Nothing is sent before the first item is asked for. */
async function* receiveItems({ start, read, toError }: PreparedCall): AsyncGenerator<unknown> {
  const items = await start()
  if (!isAsyncIterable(items)) throw toError(items, 'is no async iterable')
  const iterator = items[Symbol.asyncIterator]()
  try {
    for (;;) {
      const step = await asRemote(iterator.next())
      if (step.done) return
      yield await read(step.value)
    }
  } finally {
    await iterator.return?.()
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

async function* wireItems(inputs: unknown, schema: CompiledSchema): AsyncGenerator<unknown> {
  for await (const input of inputs as AsyncIterable<unknown> | Iterable<unknown>) yield toWire(schema, input)
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

/** The client is the reader of outputs; one that does not fit is not its caller's fault, who learns of it as `internal`. */
async function fromWire(schema: CompiledSchema, output: unknown, toError: ToOutputError): Promise<unknown> {
  const result = await schema.read(output)
  if (result.ok) return result.value
  const [first] = result.violations
  throw toError(output, `does not fit its schema: ${first?.field || '(output)'} ${first?.message}`)
}

async function asRemote<Value>(answer: Value | Promise<Value>): Promise<Value> {
  try {
    return await answer
  } catch (error) {
    throw ServiceError.is(error) ? markRemote(error) : error
  }
}

/**
 * What goes along: the smaller of own and ambient deadline, inherited metadata, and a signal that ends with the running call.
 *
 * @throws RangeError for a `timeoutMs` that is none; ServiceError `deadline_exceeded` when the running call has no time left.
 */
function outgoing(operation: Operation, options: CallOptions): ClientCall {
  const ambient = currentCall()
  const ownMs = options.timeoutMs ?? operation.timeoutMs ?? Number.POSITIVE_INFINITY
  if (!(ownMs > 0)) throw new RangeError(`${operation.id}: timeoutMs must be above 0, found ${ownMs}`)
  const endsAtMs = performance.now() + Math.min(ownMs, ambient?.remainingMs() ?? Number.POSITIVE_INFINITY)
  const own = Object.entries(options.metadata ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const)
  return {
    operation: operation.id,
    metadata: { ...outgoingMetadata(), ...Object.fromEntries(own) },
    // What is left when it is sent, which may be a while after it was asked for.
    get timeoutMs() {
      return Number.isFinite(endsAtMs) ? Math.max(0, endsAtMs - performance.now()) : undefined
    },
    signal: joinSignals(options.signal, ambient),
  }
}

function joinSignals(own: AbortSignal | undefined, ambient: Call | undefined): AbortSignal | undefined {
  if (ambient === undefined) return own
  return own ? AbortSignal.any([own, ambient.signal]) : ambient.signal
}
