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
import { consumePartition } from './consume/consume-loop.ts'
import { type GroupPlan, planConsumers } from './consume/consumer-plan.ts'
import { deadLetterTopic } from './consume/dead-letter.ts'
import { QueuePublisher } from './publish/publisher.ts'
import type { AssignedPartition, QueueMember } from './queue-driver.ts'
import { type QueueOptions, type QueueSettings, resolveQueue } from './queue-options.ts'
import { SharedConnection } from './shared-connection.ts'
import { unlessAborted, wait } from './wait.ts'

/**
 * Carries events and the operations that have a `queue` binding, and provides the `Publisher`.
 *
 * Both connect when the service starts: a broker that does not answer then is an error that names it. An outage later is
 * not: consumers come back by themselves, and publishing fails as `unavailable` while it lasts.
 *
 * @throws ConfigError `config.out_of_range`
 */
export function queueTransport(options: QueueOptions): Transport {
  const settings = resolveQueue(options)
  const connection = new SharedConnection(settings.driver)
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
    bind: (host) => new QueueServer(host, planConsumers(host), { settings, connection }),
  }
}

interface ServerSurroundings {
  readonly settings: QueueSettings
  readonly connection: SharedConnection
}

class QueueServer implements TransportServer {
  readonly #host: TransportHost
  readonly #groups: readonly GroupPlan[]
  readonly #settings: QueueSettings
  readonly #connection: SharedConnection
  readonly finish?: NonNullable<TransportServer['finish']>
  /** Ends joining that has not come to an end. */
  readonly #ending = new AbortController()
  #isOpen = false
  #joining: readonly Promise<QueueMember>[] = []

  constructor(host: TransportHost, groups: readonly GroupPlan[], { settings, connection }: ServerSurroundings) {
    this.#host = host
    this.#groups = groups
    this.#settings = settings
    this.#connection = connection
    if (settings.driver.isVolatile) this.finish = (signal) => this.#finish(signal)
  }

  async listen(): Promise<readonly Address[]> {
    if (this.#groups.length === 0) return []
    try {
      await this.#connection.open({ clientId: this.#host.service.name })
      this.#isOpen = true
      await this.#ensureTopics()
      this.#joining = this.#groups.map((group) => this.#join(group))
      await this.#awaitJoined()
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
    await Promise.all(this.#joining.map((joining) => leave(joining, signal)))
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#joining.map((joining) => leave(joining, AbortSignal.abort())))
    this.#joining = []
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#connection.release()
  }

  async #finish(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#joining.map((joining) => finish(joining, signal)))
  }

  async #ensureTopics(): Promise<void> {
    const { driver, partitionCount } = this.#settings
    const topics = this.#groups.flatMap(({ group, consumers }) =>
      [...consumers.keys()].flatMap((topic) => [topic, deadLetterTopic(topic, group)]),
    )
    await driver.ensureTopics([...new Set(topics)].map((topic) => ({ topic, partitionCount })))
  }

  #join({ group, consumers }: GroupPlan): Promise<QueueMember> {
    const log = this.#host.log
    const surroundings = { settings: this.#settings, log }
    const fail = (error: unknown) => this.#host.fail(error)
    const consume = async (partition: AssignedPartition) => {
      const consumer = consumers.get(partition.topic)
      if (consumer) await consumePartition(partition, consumer, surroundings).catch(fail)
    }
    const topics = [...consumers.keys()]
    return this.#settings.driver.join({ group, topics, log, consume, fail }, this.#ending.signal)
  }

  /** Waits for the first assignments, so that a service that is ready consumes; not for ever, as others may be busy. */
  async #awaitJoined(): Promise<void> {
    const done = new AbortController()
    const joined = Promise.all(this.#joining).then(() => 'joined' as const)
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

async function finish(joining: Promise<QueueMember>, signal: AbortSignal): Promise<void> {
  const member = await unlessAborted(joining, signal).catch(() => undefined)
  await member?.finish?.(signal)
}

async function leave(joining: Promise<QueueMember>, signal: AbortSignal): Promise<void> {
  const member = await joining.catch(() => undefined)
  await member?.leave(signal)
}
