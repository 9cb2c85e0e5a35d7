import { Publisher } from '@tenon/core/client'
import {
  type Address,
  LifecycleError,
  provide,
  ServiceInfo,
  type Transport,
  type TransportHost,
  type TransportServer,
} from '@tenon/core/transport'
import { type GroupPlan, planConsumers } from './consume/consumer-plan.ts'
import { deadLetterTopic } from './dead-letter/dead-letter.ts'
import { type ConsumerReport, GroupConsumer } from './consume/group-consumer.ts'
import { QueuePublisher } from './publish/publisher.ts'
import { type QueueOptions, type QueueSettings, resolveQueue } from './queue-options.ts'
import { SharedConnection } from './shared-connection.ts'
import { wait } from './wait.ts'

/** The transport of queues, which also tells how its consumers are doing. */
export interface QueueTransport extends Transport {
  /** A report for every topic and group that is consumed here; none before the service has started. Asks the broker for the lag. */
  consumers(): Promise<readonly ConsumerReport[]>
}

/**
 * Carries events and the operations that have a `queue` binding, and provides the `Publisher`.
 *
 * Both connect when the service starts: a broker that does not answer then is an error that names it. An outage later is
 * not: consumers come back by themselves, and publishing fails as `unavailable` while it lasts.
 *
 * @throws ConfigError `config.out_of_range`
 */
export function queueTransport(options: QueueOptions): QueueTransport {
  const settings = resolveQueue(options)
  const connection = new SharedConnection(settings.driver)
  const servers = new Set<QueueServer>()
  return {
    name: 'queue',
    carriesEvents: true,
    carries: ({ queue }) => queue !== undefined,
    provides: [
      provide(Publisher, {
        needs: [ServiceInfo],
        create: async (service) => {
          await connection.open({ clientId: service.name })
          return new QueuePublisher(settings, service)
        },
        dispose: () => connection.release(),
      }),
    ],
    bind: (host) => new QueueServer(host, planConsumers(host), { settings, connection, servers }),
    consumers: async () => (await Promise.all([...servers].map((server) => server.report()))).flat(),
  }
}

interface ServerSurroundings {
  readonly settings: QueueSettings
  readonly connection: SharedConnection
  /** Those that consume now. */
  readonly servers: Set<QueueServer>
}

class QueueServer implements TransportServer {
  readonly #host: TransportHost
  readonly #groups: readonly GroupPlan[]
  readonly #consumers: readonly GroupConsumer[]
  readonly #settings: QueueSettings
  readonly #connection: SharedConnection
  readonly #servers: Set<QueueServer>
  readonly finish?: NonNullable<TransportServer['finish']>
  /** Ends joining that has not come to an end. */
  readonly #ending = new AbortController()
  #isOpen = false

  constructor(
    host: TransportHost,
    groups: readonly GroupPlan[],
    { settings, connection, servers }: ServerSurroundings,
  ) {
    this.#host = host
    this.#groups = groups
    this.#consumers = groups.map((group) => new GroupConsumer(group, settings, host))
    this.#settings = settings
    this.#connection = connection
    this.#servers = servers
    if (settings.driver.isVolatile) this.finish = (signal) => this.#finish(signal)
  }

  async listen(): Promise<readonly Address[]> {
    if (this.#groups.length === 0) return []
    try {
      await this.#connection.open({ clientId: this.#host.service.name })
      this.#isOpen = true
      await this.#ensureTopics()
      this.#servers.add(this)
      await this.#awaitJoined(this.#consumers.map((consumer) => consumer.join(this.#ending.signal)))
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const message = `the queue transport could not start on ${this.#settings.driver.target}: ${reason}; check the brokers given to its driver`
      throw new LifecycleError([{ code: 'service.listen_failed', message }], cause)
    }
    return []
  }

  /** A consumer has no clients to send away. */
  withdraw(): void {}

  async drain(signal: AbortSignal): Promise<void> {
    this.#ending.abort()
    await this.#leave(signal)
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await this.#leave(AbortSignal.abort())
    this.#servers.delete(this)
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#connection.release()
  }

  async report(): Promise<readonly ConsumerReport[]> {
    return (await Promise.all(this.#consumers.map((consumer) => consumer.report()))).flat()
  }

  async #leave(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.leave(signal)))
  }

  async #finish(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.finish(signal)))
  }

  async #ensureTopics(): Promise<void> {
    const { driver, partitionCount } = this.#settings
    const topics = this.#groups.flatMap(({ group, consumers }) =>
      [...consumers.keys()].flatMap((topic) => [topic, deadLetterTopic(topic, group)]),
    )
    await driver.ensureTopics([...new Set(topics)].map((topic) => ({ topic, partitionCount })))
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
    this.#host.log.warn({ groups: this.#groups.map(({ group }) => group) }, 'still waiting for partitions')
    joined.catch((error: unknown) => {
      if (!this.#ending.signal.aborted) this.#host.fail(error)
    })
  }
}
