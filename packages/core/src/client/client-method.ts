import type { Call } from '../call/call.ts'
import { currentCall } from '../call/context.ts'
import { type Around, composeAround } from '../call/compose-around.ts'
import { outgoingMetadata } from '../call/propagation.ts'
import type { Operation } from '../contract/operation.ts'
import { invalidArgument, markRemote, ServiceError } from '../error/service-error.ts'
import { type CompiledSchema, compileSchema, type SchemaResult } from '../schema/compiled-schema.ts'
import type { ClientChannel, OutgoingCall } from './client-transport.ts'

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
 * as it came; for an output stream, an `AsyncIterable`.
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
  const sendOne = sender(operation, channel)
  const send = composeAround<ClientCall>(interceptors, sendOne)
  const isInputStream = operation.kind === 'client_stream' || operation.kind === 'bidi_stream'
  const prepare = (input: unknown, options: CallOptions) => {
    const call = outgoing(operation, options)
    const wire = isInputStream ? wireItems(input, schemas.input) : toWire(schemas.input, input)
    if (!(wire instanceof Promise)) return async () => await asRemote(send(wire, call))
    // A stream whose items nobody asks for never looks at it.
    wire.catch(() => undefined)
    return async () => await asRemote(send(await wire, call))
  }
  if (operation.kind === 'server_stream' || operation.kind === 'bidi_stream') {
    return (input, options = {}) => receiveItems(prepare(input, options), schemas.output)
  }
  return async (input, options = {}) => fromWire(schemas.output, await prepare(input, options)())
}

function sender(operation: Operation, channel: ClientChannel): (wire: unknown, call: ClientCall) => unknown {
  const items = (wire: unknown) => wire as AsyncIterable<unknown>
  const send = {
    unary: (wire: unknown, call: ClientCall) => channel.unary(operation, wire, call),
    server_stream: (wire: unknown, call: ClientCall) => channel.serverStream(operation, wire, call),
    client_stream: (wire: unknown, call: ClientCall) => channel.clientStream(operation, items(wire), call),
    bidi_stream: (wire: unknown, call: ClientCall) => channel.bidiStream(operation, items(wire), call),
  }[operation.kind]
  return (wire, call) => {
    if (call.timeoutMs === 0)
      throw new ServiceError('deadline_exceeded', 'no time is left for a call of another service')
    return send(wire, call)
  }
}

/** Nothing is sent before the first item is asked for. */
async function* receiveItems(start: () => Promise<unknown>, output: CompiledSchema): AsyncGenerator<unknown> {
  const iterator = ((await start()) as AsyncIterable<unknown>)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const step = await asRemote(iterator.next())
      if (step.done) return
      yield await fromWire(output, step.value)
    }
  } finally {
    await iterator.return?.()
  }
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

/** The client is the reader of outputs; one that does not fit is the remote's fault, which our caller learns as `internal`. */
async function fromWire(schema: CompiledSchema, output: unknown): Promise<unknown> {
  const result = await schema.read(output)
  if (result.ok) return result.value
  const [first] = result.violations
  throw new Error(`the remote's output does not fit its schema: ${first?.field || '(output)'} ${first?.message}`)
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
