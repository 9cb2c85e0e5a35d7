import {
  currentCall,
  type OutgoingMessage,
  outgoingCommand,
  outgoingEvent,
  type PublishOptions,
  Publisher,
  PublishOrder,
  type QueueOperation,
} from '@tenon/core/client'
import type { EventType, InputToSend, PayloadToSend } from '@tenon/core/contract'
import {
  drainingError,
  type Logger,
  type MessageContent,
  ServiceError,
  type ServiceIdentity,
  unlessAborted,
} from '@tenon/core/transport'
import type { QueueSettings } from '../queue-options.ts'
import type { RecordToSend } from '../queue-driver.ts'
import { within } from '../wait.ts'
import { systemOf } from '../driver/broker-system.ts'
import { commandContent, eventContent, type MessageFormat } from '../format/payload-formats.ts'
import { CloudEventWriter } from './cloud-event.ts'
import { Delivery } from './delivery.ts'
import { KnownTopics } from './known-topics.ts'
import { ObservedDelivery } from './observed-delivery.ts'
import { OutageLog } from './outage-log.ts'
import type { PublishBound } from './publish-bound.ts'
import { notWritten } from './publish-error.ts'
import { PublishRoom } from './publish-room.ts'

/**
 * The publisher of a service, over a driver that is connected.
 *
 * `open` takes everything; `draining` what calls and detached work of the service publish, for the drain waits for those;
 * `cleaning`, when the drain is over, everything again, for handlers and providers are disposed then; `closed` nothing.
 */
export class QueuePublisher extends Publisher {
  readonly #settings: QueueSettings
  readonly #writer: CloudEventWriter
  readonly #system: string
  readonly #formats = new WeakMap<object, () => MessageFormat>()
  readonly #order = new PublishOrder()
  readonly #topics = new KnownTopics((topic) => this.#ensureTopic(topic))
  readonly #room: PublishRoom
  readonly #outages = new OutageLog()
  #phase: 'open' | 'draining' | 'cleaning' | 'closed' = 'open'
  #closing: Promise<number> | undefined

  constructor(settings: QueueSettings, service: ServiceIdentity) {
    super()
    const { mode, dataSchema } = settings
    this.#settings = settings
    this.#system = systemOf(settings.driver)
    this.#writer = new CloudEventWriter({ source: service.name, mode, dataSchema })
    this.#room = new PublishRoom(settings)
  }

  async publish<Event extends EventType>(event: Event, payload: PayloadToSend<Event>, options?: PublishOptions) {
    const prepare = () => outgoingEvent(event, payload, options)
    const observed = new ObservedDelivery(this.#system)
    await this.#publish({ type: event, prepare, content: () => eventContent(event), observed }, options?.signal)
  }

  async send<Op extends QueueOperation>(operation: Op, input: InputToSend<Op>, options?: PublishOptions) {
    const prepare = () => outgoingCommand(operation, input, options)
    const observed = new ObservedDelivery(this.#system)
    await this.#publish(
      { type: operation, prepare, content: () => commandContent(operation), observed },
      options?.signal,
    )
  }

  /** Tells the log of outages from here on. */
  logTo(log: Logger): void {
    this.#outages.tell(log)
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
    await unlessAborted(this.#room.idle(), signal)
  }

  /**
   * Refuses everything, waits for what is on its way until the signal fires, then gives up the rest, each told to its publisher.
   * Resolves to how many that were; a second call waits for the same.
   */
  close(signal: AbortSignal): Promise<number> {
    this.#phase = 'closed'
    this.#outages.tell(undefined)
    this.#closing ??= this.flush(signal).then(() => this.#room.cut())
    return this.#closing
  }

  async #publish(message: MessageToPublish, signal: AbortSignal | undefined): Promise<void> {
    this.#requireTaken()
    const [topics, room, outages] = [this.#topics, this.#room, this.#outages]
    const { driver } = this.#settings
    const delivery = new Delivery(this.#boundOf(signal), { driver, topics, room, outages })
    room.enter(delivery)
    try {
      this.#begin(delivery, message)
      await delivery.outcome()
      message.observed.succeed()
    } catch (error) {
      message.observed.fail(error)
      throw error
    } finally {
      room.leave(delivery)
    }
  }

  /** At once, unless its validator or those before it take their time. */
  #begin(delivery: Delivery, message: MessageToPublish): void {
    const before = this.#order.before(message.type)
    const prepared = message.prepare()
    if (before || prepared instanceof Promise) this.#beginInOrder(delivery, message, Promise.all([prepared, before]))
    else delivery.begin(this.#write(prepared, message))
  }

  #beginInOrder(
    delivery: Delivery,
    message: MessageToPublish,
    ready: Promise<readonly [OutgoingMessage, ...unknown[]]>,
  ): void {
    const letNextGo = this.#order.enter(message.type)
    const begun = ready.then(([prepared]) => delivery.begin(this.#write(prepared, message)))
    begun.catch((error: ServiceError) => delivery.giveUp(error))
    void Promise.race([begun, delivery.outcome()]).then(letNextGo, letNextGo)
  }

  /** @throws ServiceError `internal` when the transport lacks its format, or the payload or its schema's address has no form */
  #write(prepared: OutgoingMessage, message: MessageToPublish): RecordToSend {
    try {
      const format = this.#formatOf(message)
      const payload = { contentType: format.contentType, bytes: format.write(prepared.value) }
      return this.#writer.toRecord(
        message.observed.begin(prepared, payload.bytes.byteLength),
        payload,
        this.#settings.clock.now(),
      )
    } catch (cause) {
      throw notWritten(cause)
    }
  }

  /** Tried once, for a format may read files. */
  #formatOf({ type, content }: MessageToPublish): MessageFormat {
    const format = this.#formats.get(type) ?? attempt(() => this.#settings.formats.compile(content()))
    this.#formats.set(type, format)
    return format()
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
      const error = new ServiceError('unavailable', 'the topic is not there and could not be created', { cause })
      this.#outages.begin(topic, error)
      throw error
    }
  }
}

/** An event or a command, and what it carries. */
interface MessageToPublish {
  /** The event or the operation. */
  readonly type: object
  /** Makes sure that it may go out. A promise only when a validator is asynchronous. */
  prepare(): OutgoingMessage | Promise<OutgoingMessage>
  content(): MessageContent
  readonly observed: ObservedDelivery
}

/** Does the work now, and gives what it came to as often as it is asked. */
function attempt<T>(work: () => T): () => T {
  try {
    const value = work()
    return () => value
  } catch (error) {
    return () => {
      throw error
    }
  }
}
