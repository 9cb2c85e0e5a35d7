import { joinedPublisher, Publisher } from '@tenon/core/client'
import { provide, ServiceInfo, type Transport } from '@tenon/core/transport'
import type { ConsumerReport } from './consume/watch/consumer-report.ts'
import { type HaltedSelection, notConsumed, requireSelection } from './consume/halted-selection.ts'
import { planConsumers } from './consume/plan/consumer-plan.ts'
import { PublisherSource } from './publish/publisher-source.ts'
import { type QueueOptions, resolveQueue } from './queue-options.ts'
import { QueueServer } from './queue-server.ts'
import { SharedConnection } from './shared-connection.ts'

/** The transport of queues, which also tells how its consumers are doing. */
export interface QueueTransport extends Transport {
  /**
   * A report for every topic and group that is consumed here; none before the service has started. Asks the broker for the
   * lag; while it does not answer, the reports hold the last that is known, and say so.
   */
  consumers(): Promise<readonly ConsumerReport[]>
  /**
   * Gives attempts anew, and age, to all messages of a topic and group that this process has halted (`onExhausted: 'halt-key'`), also to those
   * that are set aside. Resolves at once to how many there were; those that fail as before are halted again, and told of again. Other processes
   * have others: it is to be called in each. Without a group, to those of the topic's broadcast consumer. Safe to repeat.
   *
   * @throws ServiceError `invalid_argument` that names what is wrong in the selection; `not_found` where the topic is not consumed in the group
   */
  retryHalted(selection: HaltedSelection): Promise<number>
}

/**
 * Carries events and the operations that have a `queue` binding, and provides the `Publisher`. A service may have several, each
 * with a `name` and the `topics` that it carries: every event and command belongs to exactly one, and the `Publisher`, one for
 * all of them, knows which.
 *
 * Both connect when the service starts: a broker that does not answer then is an error that names it. An outage later is
 * not: consumers come back by themselves, and publishing fails as `unavailable` while it lasts.
 *
 * @throws ConfigError `config.malformed`, `config.out_of_range`
 */
export function queueTransport(options: QueueOptions): QueueTransport {
  const settings = resolveQueue(options)
  const { name, topics } = settings
  const connection = SharedConnection.of(settings.driver)
  const publishers = new PublisherSource({ settings, connection, isSelective: options.topics !== undefined })
  const servers = new Set<QueueServer>()
  const carriesTopic = (topic: string) => topics.has(topic)
  return {
    name,
    carriesEvents: true,
    authenticatesEvents: settings.trust === 'signed',
    hasCallers: false,
    carriesTopic,
    ...(options.topics !== undefined && { topics: topics.texts }),
    ...(settings.driver.brokers && { connectsTo: settings.driver.brokers }),
    carries: ({ queue }) => queue !== undefined && topics.has(queue.topic),
    provides: [
      provide(Publisher, {
        needs: [ServiceInfo],
        create: (service) => publishers.open(service),
        dispose: (_publisher, signal) => publishers.close(signal),
        combine: joinedPublisher,
      }),
    ],
    bind: (host) => {
      const publisher = publishers.current
      return new QueueServer(host, planConsumers(host, settings), { settings, connection, servers, publisher })
    },
    retryHalted: async (selection) => {
      requireSelection(selection)
      const counts = [...servers].flatMap((server) => server.retryHalted(selection))
      if (counts.length === 0) throw notConsumed(selection)
      return counts.reduce((sum, count) => sum + count, 0)
    },
    consumers: async () => (await Promise.all([...servers].map((server) => server.report()))).flat(),
  }
}
