import type { BatchSettings, DeliveryOptions } from '@tenon/core/transport'
import type { QueueSettings } from '../../queue-options.ts'
import { resolveRetry } from '../../retry-options.ts'
import type { Failures } from './disposition.ts'

/** How the messages of one consumer are delivered. */
export interface ConsumerSettings extends Pick<QueueSettings, 'retry' | 'concurrency' | 'maxHandlerMs'> {
  readonly failures: Failures
  /** After which a partition that has messages and does nothing stands still. Longer than `maxHandlerMs`. */
  readonly stallAfterMs: number
}

/** What a consumer says comes before what its transport says, setting by setting. Both are checked before. */
export function resolveConsumer(
  delivery: DeliveryOptions = {},
  settings: QueueSettings,
  batch?: BatchSettings,
): ConsumerSettings {
  const { failures = {}, retry, maxHandlerMs = settings.maxHandlerMs } = delivery
  // Of messages the transport says how many, of batches nobody but the consumer.
  const { concurrency = batch ? 1 : settings.concurrency } = delivery
  return Object.freeze({
    failures,
    retry: resolveRetry(settings.retry, retry),
    concurrency,
    maxHandlerMs,
    stallAfterMs: settings.stallAfterMs ?? maxHandlerMs + stallSlackMs,
  })
}

/** A handler whose time is over has this long to give its message up. A guess. */
const stallSlackMs = 60_000
