import {
  currentCall,
  type OutgoingMessage,
  outgoingCommand,
  outgoingEvent,
  type PublishOptions,
  Publisher,
  type QueueOperation,
} from '@tenon/core/client'
import type { EventType, InputToSend, PayloadToSend } from '@tenon/core/contract'
import {
  drainingError,
  type Logger,
  type MessageContent,
  ServiceError,
  type ServiceIdentity,
} from '@tenon/core/transport'
import type { QueueSettings } from '../queue-options.ts'
import type { RecordToSend } from '../queue-driver.ts'
import { unlessAborted, within } from '../wait.ts'
import { commandContent, eventContent, type MessageFormat } from '../format/payload-formats.ts'
import { CloudEventWriter } from './cloud-event.ts'
import { Deliveries } from './deliveries.ts'
import { type PublishBound, withinBound } from './publish-bound.ts'
import { deadlinePassed, notChecked, notWritten } from './publish-error.ts'
import { PublishOrder } from './publish-order.ts'

/**
 * The publisher of a service, over a driver that is connected.
 *
 * `open` takes everything; `draining` what calls and detached work of the service publish, for the drain waits for those;
 * `cleaning`, when the drain is over, everything again, for handlers and providers are disposed then; `closed` nothing.
 */
export class QueuePublisher extends Publisher {
  readonly #settings: QueueSettings
  readonly #writer: CloudEventWriter
  readonly #formats = new WeakMap<object, MessageFormat>()
  readonly #order = new PublishOrder()
  readonly #deliveries: Deliveries
  #phase: 'open' | 'draining' | 'cleaning' | 'closed' = 'open'
  #closing: Promise<number> | undefined
  #log: Logger | undefined
  #isAway = false

  constructor(settings: QueueSettings, service: ServiceIdentity) {
    super()
    const { driver, mode, dataSchema } = settings
    this.#settings = settings
    this.#writer = new CloudEventWriter({ source: service.name, mode, dataSchema })
    this.#deliveries = new Deliveries({ driver, settings, ensureTopic: (topic) => this.#ensureTopic(topic) })
  }

  async publish<Event extends EventType>(event: Event, payload: PayloadToSend<Event>, options?: PublishOptions) {
    const prepare = () => outgoingEvent(event, payload, options)
    await this.#publish({ owner: event, prepare, content: () => eventContent(event) }, options?.signal)
  }

  async send<Op extends QueueOperation>(operation: Op, input: InputToSend<Op>, options?: PublishOptions) {
    const prepare = () => outgoingCommand(operation, input, options)
    await this.#publish({ owner: operation, prepare, content: () => commandContent(operation) }, options?.signal)
  }

  /** Tells the log of outages from here on. */
  logTo(log: Logger): void {
    this.#log = log
  }

  /** Refuses what nobody waits for. */
  drain(): void {
    if (this.#phase === 'open') this.#phase = 'draining'
  }

  /** Takes what is published while handlers and providers are disposed, after a drain. */
  clean(): void {
    if (this.#phase !== 'closed') this.#phase = 'cleaning'
  }

  /** Resolves when nothing is on its way, or the signal fires. */
  async flush(signal: AbortSignal): Promise<void> {
    await unlessAborted(this.#deliveries.idle(), signal)
  }

  /**
   * Refuses everything, waits for what is on its way until the signal fires, then gives up the rest, each told to its publisher.
   * Resolves to how many that were; a second call waits for the same.
   */
  close(signal: AbortSignal): Promise<number> {
    this.#phase = 'closed'
    this.#closing ??= this.flush(signal).then(() => this.#deliveries.cut())
    return this.#closing
  }

  async #publish(given: Given, signal: AbortSignal | undefined): Promise<void> {
    this.#requireTaken()
    const bound = this.#boundOf(signal)
    const before = this.#order.before(given.owner)
    const prepared = given.prepare()
    if (before === undefined && !(prepared instanceof Promise)) await this.#deliver(prepared, given, bound)
    else await this.#deliverInTurn(Promise.all([prepared, before]), given, bound)
  }

  /** Delivers what is ready once those before it are on their way, for validators may take their time. */
  async #deliverInTurn(
    ready: Promise<readonly [OutgoingMessage, ...unknown[]]>,
    given: Given,
    bound: PublishBound,
  ): Promise<void> {
    const gone = this.#order.enter(given.owner)
    let delivered: Promise<void> | undefined
    try {
      const [message] = await withinBound(ready, bound, () => (bound.isDeadline ? deadlinePassed() : notChecked()))
      this.#requireTaken()
      delivered = this.#deliver(message, given, bound)
    } finally {
      gone()
    }
    await delivered
  }

  async #deliver(message: OutgoingMessage, given: Given, bound: PublishBound): Promise<void> {
    const record = this.#write(message, given)
    try {
      await this.#deliveries.deliver(record, bound)
    } catch (error) {
      this.#tellOutage(error)
      throw error
    }
    this.#tellReturn()
  }

  /** @throws ServiceError `internal` when the transport lacks its format, or the payload or its schema's address has no form */
  #write(message: OutgoingMessage, { owner, content }: Given): RecordToSend {
    try {
      const format = this.#formats.get(owner) ?? this.#settings.formats.compile(content())
      this.#formats.set(owner, format)
      const payload = { contentType: format.contentType, bytes: format.write(message.value) }
      return this.#writer.toRecord(message, payload, this.#settings.clock.now())
    } catch (cause) {
      throw notWritten(cause)
    }
  }

  /** @throws ServiceError `unavailable` with reason `draining` */
  #requireTaken(): void {
    const isRefused = this.#phase === 'closed' || (this.#phase === 'draining' && currentCall() === undefined)
    if (isRefused) throw drainingError()
  }

  #boundOf(signal: AbortSignal | undefined): PublishBound {
    const leftMs = currentCall()?.remainingMs() ?? Number.POSITIVE_INFINITY
    const timeoutMs = Math.min(leftMs, this.#settings.requestTimeoutMs)
    return { endsAtMs: performance.now() + timeoutMs, isDeadline: timeoutMs === leftMs, signal }
  }

  async #ensureTopic(topic: string): Promise<void> {
    const { driver, partitionCount, requestTimeoutMs } = this.#settings
    const message = `${driver.target} did not answer within ${requestTimeoutMs} ms`
    try {
      await within(driver.ensureTopics([{ topic, partitionCount }]), requestTimeoutMs, message)
    } catch (cause) {
      throw new ServiceError('unavailable', 'the topic is not there and could not be created', { cause })
    }
  }

  /** Once for each outage: every publisher learns of its own message anyway. */
  #tellOutage(error: unknown): void {
    if (this.#isAway || !ServiceError.is(error) || error.code !== 'unavailable' || this.#phase === 'closed') return
    this.#isAway = true
    this.#log?.warn({ err: error.cause }, 'messages cannot be published')
  }

  #tellReturn(): void {
    if (!this.#isAway) return
    this.#isAway = false
    this.#log?.info({}, 'messages are published again')
  }
}

/** What is to be published. */
interface Given {
  /** The event or the operation. */
  readonly owner: object
  /** Makes sure that it may go out. A promise only when a validator is asynchronous. */
  prepare(): OutgoingMessage | Promise<OutgoingMessage>
  content(): MessageContent
}
