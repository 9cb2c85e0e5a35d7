import { compileSchema, type CompiledSchema } from '../schema/compiled-schema.ts'
import type { Call } from '../call/call.ts'
import { currentCall } from '../call/context.ts'
import { type AnyContract, contractInfo } from '../contract/contract.ts'
import type { InputToSend, IsStreaming, Operation, OutputReceived } from '../contract/operation.ts'
import { invalidArgument, markRemote, ServiceError } from '../error/service-error.ts'
import { ConfigError } from '../error/setup-error.ts'
import { type NamedToken, type Provider, provide, token } from '../handler/provider.ts'
import { outgoingMetadata } from '../call/propagation.ts'
import type { ClientChannel, ClientTransport, OutgoingCall } from './client-transport.ts'

export interface CallOptions {
  /** Longest time this call may take; never more than what the running call has left. @defaultValue the operation's `timeoutMs` */
  readonly timeoutMs?: number
  /** Ends the call as `cancelled`. @defaultValue the running call's signal */
  readonly signal?: AbortSignal
  /** Further metadata to send; keys are lower case. */
  readonly metadata?: Readonly<Record<string, string>>
}

type ClientMethod<Op extends Operation> =
  IsStreaming<Op> extends true
    ? (input: InputToSend<Op>, options?: CallOptions) => AsyncIterable<OutputReceived<Op>>
    : (input: InputToSend<Op>, options?: CallOptions) => Promise<OutputReceived<Op>>

/** A contract's operations as methods that call the service which offers them. */
export type Client<Of> = {
  readonly [Name in keyof Of as Of[Name] extends Operation ? Name : never]: Of[Name] extends Operation
    ? ClientMethod<Of[Name]>
    : never
}

const tokens = new WeakMap<object, NamedToken>()

/** The token for the client of a contract: `inject(clientOf(users))`. The service needs a `remote()` for it. */
export function clientOf<Of extends AnyContract>(contract: Of): NamedToken<Client<Of>> {
  const known = tokens.get(contract) ?? token(`clientOf(${contractInfo(contract).name})`)
  tokens.set(contract, known)
  return known as NamedToken<Client<Of>>
}

export interface RemoteOptions {
  /** How calls go out: `grpcClient()`. */
  readonly via: ClientTransport
  /** Where the service is: `static:///host:port`. */
  readonly at: string
}

/**
 * Says where another service is, so that handlers may inject its client.
 *
 * @throws ConfigError `config.malformed` for an address that cannot be read.
 */
export function remote<Of extends AnyContract>(contract: Of, { via, at }: RemoteOptions): Provider {
  const address = parseAddress(at, contractInfo(contract).name)
  const channels = new WeakMap<object, ClientChannel>()
  return provide(clientOf(contract), {
    create: () => {
      const channel = via.open({ contract: contractInfo(contract), address })
      const client = buildClient<Of>(contract, channel)
      channels.set(client, channel)
      return client
    },
    dispose: (client) => channels.get(client)?.close(),
  })
}

/** The client of a contract over an open channel. */
export function buildClient<Of extends AnyContract>(contract: Of, channel: ClientChannel): Client<Of> {
  const methods = contractInfo(contract).operations.map(
    (operation) => [operation.name, clientMethod(operation, channel)] as const,
  )
  return Object.freeze(Object.fromEntries(methods)) as Client<Of>
}

function clientMethod(operation: Operation, channel: ClientChannel) {
  const schemas = {
    input: compileSchema(operation.inputSchema, operation.inputJsonSchema, `operation ${operation.id}: input`),
    output: compileSchema(operation.outputSchema, operation.outputJsonSchema, `operation ${operation.id}: output`),
  }
  if (operation.kind === 'server_stream') {
    return (input: unknown, options: CallOptions = {}) =>
      receiveItems(
        channel.serverStream(operation, toWire(schemas.input, input), outgoing(operation, options)),
        schemas.output,
      )
  }
  return async (input: unknown, options: CallOptions = {}) => {
    const wire = toWire(schemas.input, input)
    const output = await asRemote(channel.unary(operation, wire, outgoing(operation, options)))
    return fromWire(schemas.output, output)
  }
}

async function* receiveItems(items: AsyncIterable<unknown>, output: CompiledSchema): AsyncGenerator<unknown> {
  const iterator = items[Symbol.asyncIterator]()
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

function toWire(schema: CompiledSchema, input: unknown): unknown {
  const result = schema.write(input)
  if (!result.ok) throw invalidArgument(result.violations)
  return result.value
}

/** The client is the reader of outputs; one that does not fit is the remote's fault, which our caller learns as `internal`. */
async function fromWire(schema: CompiledSchema, output: unknown): Promise<unknown> {
  const result = await schema.read(output)
  if (result.ok) return result.value
  const [first] = result.violations
  throw new Error(`the remote's output does not fit its schema: ${first?.field || '(output)'} ${first?.message}`)
}

async function asRemote<Value>(answer: Promise<Value>): Promise<Value> {
  try {
    return await answer
  } catch (error) {
    throw ServiceError.is(error) ? markRemote(error) : error
  }
}

/** What goes along: the smaller of own and ambient deadline, inherited metadata, and a signal that ends with the running call. */
function outgoing(operation: Operation, options: CallOptions): OutgoingCall {
  const ambient = currentCall()
  const ownMs = options.timeoutMs ?? operation.timeoutMs ?? Number.POSITIVE_INFINITY
  const timeoutMs = Math.min(ownMs, ambient?.remainingMs() ?? Number.POSITIVE_INFINITY)
  return {
    metadata: { ...outgoingMetadata(), ...options.metadata },
    timeoutMs: Number.isFinite(timeoutMs) ? timeoutMs : undefined,
    signal: joinSignals(options.signal, ambient),
  }
}

function joinSignals(own: AbortSignal | undefined, ambient: Call | undefined): AbortSignal | undefined {
  if (ambient === undefined) return own
  return own ? AbortSignal.any([own, ambient.signal]) : ambient.signal
}

function parseAddress(at: string, name: string): string {
  const match = /^static:\/\/\/([^,/\s]+:(\d{1,5}))$/.exec(at)
  if (match?.[1] && Number(match[2]) <= 65_535) return match[1]
  const message = `remote(${name}): at must be one address of the form static:///host:port, found "${at}"`
  throw new ConfigError([{ code: 'config.malformed', message }])
}
