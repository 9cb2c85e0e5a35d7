import {
  type Address,
  LifecycleError,
  type Pressure,
  type TransportHealth,
  type TransportHost,
  type TransportServer,
} from '@tenon/core/transport'
import { BroadcastConsumer } from './consume/broadcast/broadcast-consumer.ts'
import type { HaltedSelection } from './consume/halted-selection.ts'
import type { ConsumerPlan } from './consume/plan/consumer-plan.ts'
import type { ConsumerReport } from './consume/watch/consumer-report.ts'
import { GroupConsumer } from './consume/group/group-consumer.ts'
import type { ServedConsumer } from './consume/served-consumer.ts'
import { deadLetterTopic } from './dead-letter/dead-letter.ts'
import type { QueuePublisher } from './publish/publisher.ts'
import type { QueueSettings } from './queue-options.ts'
import type { SharedConnection } from './shared-connection.ts'
import { observeConsumers } from './telemetry/observe-consumers.ts'
import { wait } from './wait.ts'

export interface ServerSurroundings {
  readonly settings: QueueSettings
  readonly connection: SharedConnection
  /** Those that consume now. */
  readonly servers: Set<QueueServer>
  /** Which publishes for the same service, if anything there does. */
  readonly publisher: QueuePublisher | undefined
}

/** The consumers of a service on one connection. */
export class QueueServer implements TransportServer {
  readonly #host: TransportHost
  readonly #plans: readonly ConsumerPlan[]
  readonly #consumers: readonly ServedConsumer[]
  readonly #settings: QueueSettings
  readonly #connection: SharedConnection
  readonly #servers: Set<QueueServer>
  readonly #publisher: QueuePublisher | undefined
  readonly finish?: NonNullable<TransportServer['finish']>
  /** Ends joining that has not come to an end. */
  readonly #ending = new AbortController()
  #isOpen = false
  #endObserving: (() => void) | undefined

  constructor(
    host: TransportHost,
    plans: readonly ConsumerPlan[],
    { settings, connection, servers, publisher }: ServerSurroundings,
  ) {
    this.#host = host
    this.#plans = plans
    this.#consumers = plans.map((plan) => toConsumer(plan, settings, host))
    this.#settings = settings
    this.#connection = connection
    this.#servers = servers
    this.#publisher = publisher
    publisher?.logTo(host.log)
    if (settings.driver.isVolatile) this.finish = (signal) => this.#finish(signal)
  }

  async listen(): Promise<readonly Address[]> {
    if (this.#plans.length === 0) return []
    try {
      await this.#connection.open({ clientId: this.#host.service.name })
      this.#isOpen = true
      await this.#ensureTopics()
      this.#servers.add(this)
      this.#observe()
      await this.#awaitJoined(this.#consumers.map((consumer) => consumer.join(this.#ending.signal)))
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const message = `transport ${this.#settings.name} could not start on ${this.#settings.driver.target}: ${reason}; check the brokers given to its driver`
      throw new LifecycleError([{ code: 'service.listen_failed', message }], cause)
    }
    return []
  }

  /** A consumer has no clients to send away. */
  withdraw(): void {}

  async drain(signal: AbortSignal): Promise<void> {
    this.#ending.abort()
    this.#publisher?.drain()
    const flushed = this.#publisher?.flush(signal)
    try {
      await this.#leave(signal)
    } finally {
      // Waited for also where a group cannot be left, or what is being sent would be cut.
      await flushed
    }
  }

  async close(): Promise<void> {
    this.#ending.abort()
    this.#publisher?.clean()
    try {
      await this.#leave(AbortSignal.abort())
    } finally {
      await this.#release()
    }
  }

  pressureChanged(pressure: Pressure): void {
    for (const consumer of this.#consumers) consumer.topics.pressureChanged(pressure)
  }

  /** What is known of the consumers. Asks the broker for the lag, which the next one tells. */
  info(): object {
    if (this.#isOpen) for (const consumer of this.#consumers) void consumer.topics.refresh()
    return { consumers: this.#consumers.flatMap((consumer) => consumer.topics.known()) }
  }

  /** It stands still where a partition does, and is ready from when each group and broadcast has begun until it drains. */
  health(): TransportHealth {
    const standstills = this.#consumers.flatMap((consumer) => consumer.topics.standstills)
    const unready = this.#consumers.flatMap((consumer) => consumer.unready)
    const isDraining = this.#ending.signal.aborted
    const hindrances = this.#consumers.flatMap((consumer) => consumer.hindrances)
    const reasons = [...standstills, ...hindrances, ...unready, ...(isDraining ? ['it drains'] : [])]
    return {
      isLive: standstills.length === 0,
      isReady: !isDraining && unready.length === 0,
      reason: reasons.length > 0 ? reasons.join('; ') : undefined,
    }
  }

  async report(): Promise<readonly ConsumerReport[]> {
    return (await Promise.all(this.#consumers.map((consumer) => consumer.topics.report()))).flat()
  }

  /** How many halted messages were given attempts anew, for each consumer that is meant. */
  retryHalted({ topic, group }: HaltedSelection): readonly number[] {
    const meant = this.#consumers.filter((consumer) => consumer.group === group)
    return meant.flatMap((consumer) => consumer.topics.retryHalted(topic) ?? [])
  }

  /** @throws AggregateError of the groups that could not be left, when all others are. */
  async #leave(signal: AbortSignal): Promise<void> {
    const left = await Promise.allSettled(this.#consumers.map((consumer) => consumer.leave(signal)))
    const failures = left.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    if (failures.length > 0) throw new AggregateError(failures, 'groups could not be left')
  }

  async #release(): Promise<void> {
    this.#servers.delete(this)
    this.#endObserving?.()
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#connection.release()
  }

  async #finish(signal: AbortSignal): Promise<void> {
    this.#publisher?.drain()
    await Promise.all(this.#consumers.map((consumer) => consumer.finish(signal)))
  }

  /** @throws Error when a topic that is read is not there and cannot be created; a dead letter creates its own when it comes to that. */
  async #ensureTopics(): Promise<void> {
    const { driver, partitionCount } = this.#settings
    const ensure = (names: readonly string[]) =>
      driver.ensureTopics([...new Set(names)].map((topic) => ({ topic, partitionCount })))
    const sources = this.#plans.flatMap(({ consumers }) => [...consumers.keys()])
    const deadLetters = this.#plans.flatMap(({ group, consumers }) =>
      group === undefined ? [] : [...consumers.keys()].map((topic) => deadLetterTopic(topic, group)),
    )
    try {
      await ensure([...sources, ...deadLetters])
    } catch (error) {
      await ensure(sources)
      this.#host.log.error(
        { err: error, topics: deadLetters },
        'topics of dead letters are not there and could not be created',
      )
    }
  }

  #observe(): void {
    const { name: service } = this.#host.service
    const { driver } = this.#settings
    this.#endObserving = observeConsumers({ service, driver, report: () => this.report() })
  }

  /** Waits for the first assignments, so that a service that is ready consumes; not for ever, as others may be busy. */
  async #awaitJoined(joining: readonly Promise<void>[]): Promise<void> {
    const done = new AbortController()
    const joined = Promise.all(joining).then(() => 'joined' as const)
    const late = wait(this.#settings.joinTimeoutMs, done.signal).then(() => 'late' as const)
    try {
      if ((await Promise.race([joined, late])) === 'joined') return
    } finally {
      done.abort()
    }
    const waiting = this.#consumers.flatMap(({ unready }) => unready)
    this.#host.log.warn({ waiting }, 'still waiting for partitions')
    joined.then(
      () => this.#host.healthChanged?.(),
      (error: unknown) => {
        if (!this.#ending.signal.aborted) this.#host.fail(error)
      },
    )
  }
}

function toConsumer(plan: ConsumerPlan, settings: QueueSettings, host: TransportHost): ServedConsumer {
  return plan.group === undefined
    ? new BroadcastConsumer(plan, settings, host)
    : new GroupConsumer(plan, settings, host)
}
