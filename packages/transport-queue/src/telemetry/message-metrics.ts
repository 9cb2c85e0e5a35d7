import { counter } from '@tenon/core/telemetry'
import type { ErrorCode } from '@tenon/core/transport'
import type { QueueDriver } from '../queue-driver.ts'
import { systemOf } from '../driver/broker-system.ts'

/** Who counts, and of what. */
export interface CountedConsumer {
  readonly driver: Pick<QueueDriver, 'name' | 'system'>
  readonly topic: string
  /** Undefined for a broadcast. */
  readonly group: string | undefined
}

/** Counts a message that was published, or with what it was not. */
export function countSent({ driver, topic }: Omit<CountedConsumer, 'group'>, code?: ErrorCode): void {
  counter('messaging.client.sent.messages').add(1, {
    'messaging.system.name': systemOf(driver),
    'messaging.destination.name': topic,
    'messaging.operation.name': 'send',
    ...(code !== undefined && { 'error.type': code }),
  })
}

/** Counts a message that failed and is handled again. */
export function countRetry(consumer: CountedConsumer, code: ErrorCode): void {
  counter('tenon.queue.retries').add(1, attributesOf(consumer, code))
}

/** Counts a message that was stored as a dead letter. */
export function countDeadLetter(consumer: CountedConsumer, code: ErrorCode): void {
  counter('tenon.queue.dead_letters').add(1, attributesOf(consumer, code))
}

/** Counts a message that failed for good and of which nothing is kept. */
export function countSkipped(consumer: CountedConsumer, code: ErrorCode): void {
  counter('tenon.queue.skipped_messages').add(1, attributesOf(consumer, code))
}

function attributesOf({ driver, topic, group }: CountedConsumer, code: ErrorCode) {
  return {
    'messaging.system.name': systemOf(driver),
    'messaging.destination.name': topic,
    ...(group !== undefined && { 'messaging.consumer.group.name': group }),
    'error.type': code,
  }
}
