import { observe } from '@tenon/core/telemetry'
import type { ConsumerReport } from '../consume/watch/consumer-report.ts'
import type { QueueDriver } from '../queue-driver.ts'
import { systemOf } from '../driver/broker-system.ts'

export interface ObservedConsumers {
  /** Name of the service. */
  readonly service: string
  readonly driver: Pick<QueueDriver, 'name' | 'system'>
  /** Asks the broker how much is left. */
  report(): Promise<readonly ConsumerReport[]>
}

/** Lets the OpenTelemetry SDK that is registered by now look at consumers, until what it gives is called. */
export function observeConsumers({ service, driver, report }: ObservedConsumers): () => void {
  return observe(names, async (tell) => {
    for (const { topic, group, lagCount, oldestAgeMs = 0, parkedCount, haltedCount, stalls } of await report()) {
      const attributes = {
        'tenon.service': service,
        'messaging.system.name': systemOf(driver),
        'messaging.destination.name': topic,
        ...(group !== undefined && { 'messaging.consumer.group.name': group }),
      }
      if (lagCount !== undefined) tell('tenon.queue.lag', lagCount, attributes)
      tell('tenon.queue.oldest_message.age', oldestAgeMs / 1_000, attributes)
      tell('tenon.queue.parked_messages', parkedCount, attributes)
      tell('tenon.queue.halted_messages', haltedCount, attributes)
      tell('tenon.queue.stalled_partitions', stalls.length, attributes)
    }
  })
}

const names = [
  'tenon.queue.lag',
  'tenon.queue.oldest_message.age',
  'tenon.queue.parked_messages',
  'tenon.queue.halted_messages',
  'tenon.queue.stalled_partitions',
] as const
