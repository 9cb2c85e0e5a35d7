import type { ConfigSpec, Ended, GivenSettings, StartedService } from '@tenon/core'
import type { QueueOperation } from '@tenon/core/client'
import type {
  EventType,
  InputToSend,
  IsStreaming,
  Operation,
  OutputReceived,
  PayloadToSend,
} from '@tenon/core/contract'
import type { Address } from '@tenon/core/transport'
import type { LogLine } from './captured-log.ts'
import type { FakeClock } from './clock/fake-clock.ts'
import { type EventuallyOptions, eventually } from './eventually.ts'
import type { Delivery, MessageOptions } from './memory-delivery.ts'
import type { MemoryCallOptions, MemoryTransport, OutcomeOf } from './memory-transport.ts'
import type { MessageType, PublishedMessage, PublishedMessages, PublishedOf } from './published-messages.ts'
import { noBroker } from './recording-publisher.ts'
import { SchemaReader } from './schema-reader.ts'

/** What `call()` gives: the output, or its items. */
export type CallResult<Op extends Operation> =
  IsStreaming<Op> extends true ? AsyncIterableIterator<OutputReceived<Op>> : Promise<OutputReceived<Op>>

/** A service under test. `await using` ends its calls and stops it. */
export interface TestedService<Config extends ConfigSpec = ConfigSpec> extends AsyncDisposable {
  /** Where its own transports can be reached. */
  readonly addresses: readonly Address[]
  /** What it has logged, in order. */
  readonly log: readonly LogLine[]
  /** @throws Error unless the service was started with a fake clock */
  readonly clock: FakeClock
  /** `host:port` of a transport of its own. @throws Error when none listens for the protocol */
  address(protocol: string): string
  /**
   * Calls an operation through the whole pipeline: access, validation, interceptors, handler, output. The output is read as a
   * client reads it. A stream begins when its first item is asked for.
   *
   * @throws ServiceError what the operation failed with; `unimplemented` when the service does not offer it
   */
  call<Op extends Operation>(operation: Op, input: InputToSend<Op>, options?: MemoryCallOptions): CallResult<Op>
  /** As `call`, but tells more: the call's id and headers, the output as it was written, or the error it failed with. */
  outcome<Op extends Operation>(
    operation: Op,
    input: InputToSend<Op>,
    options?: MemoryCallOptions,
  ): Promise<OutcomeOf<Op>>
  /**
   * Delivers an event to the service's consumer, once, and tells what came of it. A queue would handle a message that failed
   * again; `attempt` says which time it is.
   *
   * @throws ServiceError `unimplemented` when the service does not consume it; TypeError when `group` does not say whose it is
   */
  publish<Event extends EventType>(
    event: Event,
    payload: PayloadToSend<Event>,
    options?: MessageOptions,
  ): Promise<Delivery>
  /**
   * Delivers several events at once to the service's consumer of batches, as `publish` does, and tells what came of each. Nothing waits for
   * others: what is given is the batch, or several where it is more than the consumer takes at a time.
   *
   * @throws as `publish`; TypeError for a consumer that takes messages one by one
   */
  publishBatch<Event extends EventType>(
    event: Event,
    payloads: readonly PayloadToSend<Event>[],
    options?: MessageOptions,
  ): Promise<readonly Delivery[]>
  /** Delivers an operation's input as a command, as `publish` does. */
  send<Op extends QueueOperation>(operation: Op, input: InputToSend<Op>, options?: MessageOptions): Promise<Delivery>
  /**
   * Runs a schedule once, now, through the whole pipeline. Resolves when the run has succeeded.
   *
   * @throws ServiceError what the run failed with; `not_found` when the service has no schedule of the name
   */
  runSchedule(name: string): Promise<void>
  /**
   * Changes settings by their names, as a source of the service would: what it watches with `settings.watch()` has the new values when this
   * returns, and what it has read at its start stays.
   *
   * @throws ConfigError `config.malformed` for a name that no setting has
   */
  changeSettings(settings: GivenSettings<Config>): void
  /**
   * The events and commands that its handlers have published, in order: all, or those of one type. Without transports of its
   * own nobody gets them: hand on with `publish()` what a consumer should see.
   */
  published(): readonly PublishedMessage[]
  published<Type extends MessageType>(type: Type): readonly PublishedOf<Type>[]
  /** Lets publishing fail until it is disposed: `using outage = service.brokerOutage()`. @defaultValue `unavailable` */
  brokerOutage(error?: Error): Disposable
  /** Repeats a check until it holds, for effects that come a moment later. Waits in real time. @throws what the check threw last */
  eventually<T>(check: () => T | Promise<T>, options?: EventuallyOptions): Promise<T>
  /** Drains and stops as a shutdown does: running calls may finish. */
  stop(): Promise<Ended>
}

/** What a tested service consists of. */
export interface TestedParts<Config extends ConfigSpec> {
  readonly started: StartedService<Config>
  readonly memory: MemoryTransport
  readonly messages: PublishedMessages
  readonly log: readonly LogLine[]
  readonly clock: FakeClock | undefined
  /** Puts the real clock back, where it was replaced for this service. */
  readonly releaseClock: () => void
}

/** Puts a started service and what surrounds it together. */
export function testedService<Config extends ConfigSpec>(parts: TestedParts<Config>): TestedService<Config> {
  return new RunningTest(parts)
}

const outputs = new SchemaReader('output')

class RunningTest<Config extends ConfigSpec> implements TestedService<Config> {
  readonly addresses: readonly Address[]
  readonly log: readonly LogLine[]
  readonly #parts: TestedParts<Config>
  /** Fires when the test is over: its calls have no caller then. */
  readonly #over = new AbortController()

  constructor(parts: TestedParts<Config>) {
    this.#parts = parts
    this.addresses = parts.started.addresses
    this.log = parts.log
  }

  get clock(): FakeClock {
    if (this.#parts.clock) return this.#parts.clock
    throw new Error("the service runs on the real clock: start it with testService(service, { clock: 'fake' })")
  }

  address(protocol: string): string {
    const found = this.addresses.find((one) => one.protocol === protocol)
    if (found) return `${found.host.includes(':') ? `[${found.host}]` : found.host}:${found.port}`
    const known = this.addresses.map((one) => one.protocol).join(', ') || 'nothing'
    throw new Error(`no transport listens for ${protocol}, only ${known}: start with { transports: 'own' }`)
  }

  call<Op extends Operation>(operation: Op, input: InputToSend<Op>, options: MemoryCallOptions = {}): CallResult<Op> {
    const isStreaming = operation.kind === 'server_stream' || operation.kind === 'bidi_stream'
    // The kind says the same as the type.
    return (
      isStreaming ? this.#items(operation, input, options) : this.#output(operation, input, options)
    ) as CallResult<Op>
  }

  outcome<Op extends Operation>(operation: Op, input: InputToSend<Op>, options: MemoryCallOptions = {}) {
    return this.#parts.memory.call(operation, input, { ...options, signal: this.#until(options.signal) })
  }

  publish<Event extends EventType>(event: Event, payload: PayloadToSend<Event>, options: MessageOptions = {}) {
    return this.#parts.memory.publish(event, payload, { ...options, signal: this.#until(options.signal) })
  }

  publishBatch<Event extends EventType>(
    event: Event,
    payloads: readonly PayloadToSend<Event>[],
    options: MessageOptions = {},
  ) {
    return this.#parts.memory.publishBatch(event, payloads, { ...options, signal: this.#until(options.signal) })
  }

  send<Op extends QueueOperation>(operation: Op, input: InputToSend<Op>, options: MessageOptions = {}) {
    return this.#parts.memory.send(operation, input, { ...options, signal: this.#until(options.signal) })
  }

  runSchedule(name: string): Promise<void> {
    return this.#parts.started.runSchedule(name)
  }

  changeSettings(settings: GivenSettings<Config>): void {
    this.#parts.started.changeSettings(settings)
  }

  published(): readonly PublishedMessage[]
  published<Type extends MessageType>(type: Type): readonly PublishedOf<Type>[]
  published(type?: MessageType): readonly PublishedMessage[] {
    const { messages } = this.#parts
    return type === undefined ? messages.all : messages.of(type)
  }

  brokerOutage(error: Error = noBroker()): Disposable {
    return this.#parts.messages.fail(error)
  }

  eventually<T>(check: () => T | Promise<T>, options?: EventuallyOptions): Promise<T> {
    return eventually(check, options)
  }

  stop(): Promise<Ended> {
    return this.#parts.started.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort()
    const { clock, releaseClock } = this.#parts
    // Else deadlines of the stop would never come.
    const flow = clock?.flow()
    try {
      await this.stop()
    } finally {
      await flow?.[Symbol.asyncDispose]()
      releaseClock()
    }
  }

  async #output<Op extends Operation>(operation: Op, input: InputToSend<Op>, options: MemoryCallOptions) {
    const outcome = await this.outcome(operation, input, options)
    if (!outcome.ok) throw outcome.error
    return outputs.read(operation, outcome.value)
  }

  async *#items<Op extends Operation>(operation: Op, input: InputToSend<Op>, options: MemoryCallOptions) {
    const outcome = await this.outcome<Operation>(operation, input, options)
    if (!outcome.ok) throw outcome.error
    yield* outputs.readEach(operation, outcome.value as AsyncIterable<unknown>)
  }

  #until(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.#over.signal]) : this.#over.signal
  }
}
