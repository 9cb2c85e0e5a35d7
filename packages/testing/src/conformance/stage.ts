import { inspect } from 'node:util'
import {
  type AccessRule,
  type Call,
  defineHandler,
  defineService,
  type ErrorCode,
  type Logger,
  type Schema,
  type ServiceOptions,
  type StartedService,
} from '@tenon/core'
import {
  contract,
  contractInfo,
  isStream,
  type Operation,
  type OperationSpec,
  type StreamOf,
  stream,
} from '@tenon/core/contract'
import { compileJsonWriter, type Metadata } from '@tenon/core/transport'
import Type, { type TProperties } from 'typebox'
import type { Feature } from './feature.ts'
import type { ConformanceHarness, Peer, PeerCall, PeerReply, PeerStep } from './harness.ts'

/** What a case plays on: a fresh service with one operation, behind the transport under test. */
export interface Stage {
  /** Whether the transport under test can do something. */
  has(feature: Feature): boolean
  /** The largest input that the transport takes. @throws TypeError when the harness does not say. */
  readonly sizeLimitBytes: number
  /** Starts a service for the case. `await using` stops it and closes the peer. */
  serve(offer?: Offer): Promise<Served>
}

/** The one operation of the service; by default it gives its input back. */
export interface Offer {
  /** Fields of the input besides `key`, a text that may be left out. */
  readonly fields?: TProperties
  /** Takes any number of such inputs. */
  readonly isInputStream?: boolean
  /** @defaultValue the schema of the input */
  readonly output?: Schema | StreamOf
  readonly handle?: (input: never, call: Call) => unknown
  readonly errors?: readonly ErrorCode[]
  readonly access?: AccessRule
  readonly timeoutMs?: number
  /** How the fields travel where a transport can choose. @defaultValue `body` */
  readonly place?: 'body' | 'query' | 'path'
  readonly policy?: (principal: unknown, input: never) => boolean | Promise<boolean>
  readonly maxConcurrentCalls?: number
  readonly service?: Partial<
    Pick<ServiceOptions, 'authenticate' | 'checkOutput' | 'defaultAccess' | 'interceptors' | 'maxQueuedCalls'>
  > &
    Partial<
      Pick<ServiceOptions, 'callTimeoutMs' | 'maxConcurrentCalls' | 'remotes' | 'forwardMetadata' | 'shutdownTimeoutMs'>
    >
}

export interface CallChoices {
  readonly metadata?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** Is told the headers of the reply to a call for a stream, before its first item. */
  readonly onHeaders?: (headers: Metadata) => void
  /** Is told what came behind the reply to a call for a stream. */
  readonly onTrailers?: (trailers: Metadata) => void
}

/** A service that is served, and what has been seen of it. */
export interface Served extends AsyncDisposable {
  /** What its handler was given, in the order of the calls. */
  readonly inputs: readonly unknown[]
  /** What the service has logged, as one text. */
  readonly logged: string
  /** Calls it through the transport. The output is JSON data, whatever the transport carries. */
  call(input: unknown, choices?: CallChoices): Promise<PeerReply>
  /** Calls it with a stream of inputs. */
  send(inputs: AsyncIterable<unknown>, choices?: CallChoices): Promise<PeerReply>
  /** Calls it for a stream of outputs. */
  stream(input: unknown, choices?: CallChoices): AsyncGenerator<PeerStep>
  /** Both at once. */
  converse(inputs: AsyncIterable<unknown>, choices?: CallChoices): AsyncGenerator<PeerStep>
  /** Begins to drain and stops; a second call waits for the same end. */
  stop(): Promise<{ readonly exitCode: 0 | 1 }>
}

/** A stage for one case on a transport. Disposing of it stops what the case has left behind. */
export function openStage({ start, lacks = {}, sizeLimitBytes }: ConformanceHarness): Stage & AsyncDisposable {
  const open = new Set<AsyncDisposable>()
  return {
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...open].map((served) => served[Symbol.asyncDispose]()))
    },
    has: (feature) => lacks[feature] === undefined,
    get sizeLimitBytes() {
      if (sizeLimitBytes === undefined)
        throw new TypeError('the harness has no sizeLimitBytes, and does not say that it lacks limit.size')
      return sizeLimitBytes
    },
    serve: async (offer = {}) => {
      const inputs: unknown[] = []
      const logged: string[] = []
      const { operation, service } = build(offer, inputs)
      let started: StartedService | undefined
      const peer = await start({
        start: async (...transports) => {
          const options = { ...service, transports: () => transports }
          started = await defineService(options).start({ environment: {}, log: recorder(logged) })
          return started
        },
      })
      if (started === undefined) throw new TypeError('start() of the harness must start the service it is given')
      const served = serving({ operation, peer, started, inputs, logged }, () => open.delete(served))
      open.add(served)
      return served
    },
  }
}

interface Serving {
  readonly operation: Operation
  readonly peer: Peer
  readonly started: StartedService
  readonly inputs: readonly unknown[]
  readonly logged: readonly string[]
}

function serving({ operation, peer, started, inputs, logged }: Serving, disposed: () => void): Served {
  const write = compileJsonWriter(operation.outputJsonSchema)
  const toJson = (output: unknown): unknown => (output === undefined ? undefined : JSON.parse(write(output)))
  const toCall = (given: Pick<PeerCall, 'input' | 'inputs'>, choices: CallChoices = {}): PeerCall => {
    const { metadata = {}, timeoutMs, signal } = choices
    return { operation, ...given, metadata, timeoutMs, signal }
  }
  const answered = async (call: PeerCall) => {
    const reply = await peer.call(call)
    return reply.ok ? { ...reply, output: toJson(reply.output) } : reply
  }
  async function* streamed(call: PeerCall, { onHeaders, onTrailers }: CallChoices = {}): AsyncGenerator<PeerStep> {
    if (peer.stream === undefined) throw new TypeError('the harness has no stream(), and does not say that it lacks it')
    for await (const event of peer.stream(call)) {
      if ('headers' in event) onHeaders?.(event.headers)
      else if ('trailers' in event) onTrailers?.(event.trailers)
      else yield 'item' in event ? { item: toJson(event.item) } : event
    }
  }
  return {
    inputs,
    get logged() {
      return logged.join('\n')
    },
    call: (input, choices) => answered(toCall({ input, inputs: undefined }, choices)),
    send: (items, choices) => answered(toCall({ input: undefined, inputs: items }, choices)),
    stream: (input, choices) => streamed(toCall({ input, inputs: undefined }, choices), choices),
    converse: (items, choices) => streamed(toCall({ input: undefined, inputs: items }, choices), choices),
    stop: () => started.stop(),
    [Symbol.asyncDispose]: async () => {
      disposed()
      await started.stop()
      await peer.close?.()
    },
  }
}

function build(offer: Offer, inputs: unknown[]) {
  const { handle = (input: unknown) => input, policy, maxConcurrentCalls } = offer
  const act = (input: never, call: Call): unknown => {
    inputs.push(input)
    return handle(input, call)
  }
  const of = contract('tenon.conformance.v1.CaseService', { act: specOf(offer) } as Readonly<
    Record<string, OperationSpec>
  >)
  const [operation] = contractInfo(of).operations
  if (operation === undefined) throw new TypeError('a contract has the operations it was given')
  const serving = {
    ...(policy && { policy: policy as () => boolean }),
    ...(maxConcurrentCalls !== undefined && { maxConcurrentCalls }),
  }
  const handler = defineHandler(of, () => ({ act }) as never, { operations: { act: serving } })
  const service: ServiceOptions = {
    name: 'conformance',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    log: { calls: 'none' },
    checkOutput: 'always',
    // A case that fails may leave a handler that never ends, and its runner says why only while it still has time.
    shutdownTimeoutMs: 800,
    deregisterDelayMs: 0,
    ...offer.service,
  }
  return { operation, service }
}

function specOf(offer: Offer): OperationSpec {
  const { fields = {}, isInputStream = false, place = 'body' } = offer
  const input = Type.Object({ key: Type.Optional(Type.String()), ...fields })
  const { output = input, errors, access, timeoutMs } = offer
  return {
    input: isInputStream ? stream(input) : input,
    output,
    http: routes[place],
    // A command is one message and has no answer.
    ...(!isInputStream && !isStream(output) && { queue: { topic: 'tenon.conformance.act.v1', key: 'key' } }),
    ...(errors && { errors }),
    ...(access !== undefined && { access }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  }
}

const routes = { body: 'POST /v1/act', query: 'GET /v1/act', path: 'GET /v1/act/:id' } as const

function recorder(lines: string[]): Logger {
  const log = (fields: object, message = '') => void lines.push(inspect({ ...fields, message }, { depth: 8 }))
  const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger }
  return logger
}
