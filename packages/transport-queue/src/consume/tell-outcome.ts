import type { Logger, ServiceError } from '@tenon/core/transport'
import type { ReceivedRecord } from '../queue-driver.ts'
import type { QueueSettings } from '../queue-options.ts'
import type { TopicConsumer } from './plan/consumer-plan.ts'

/** Who tells. */
export interface Telling {
  readonly log: Logger
  readonly consumer: Pick<TopicConsumer, 'handler'>
  readonly settings: Pick<QueueSettings, 'clock'>
}

/** A message that failed. */
export interface Failure {
  readonly error: ServiceError
  readonly attempt: number
}

interface Told {
  readonly offset: number
}

type Place = Pick<ReceivedRecord, 'topic' | 'partition' | 'offset'>

/** Tells of a message that is held for long, and of no other. */
export function tellHeld({ log, settings }: Telling, { offset }: Told, dueAt: number): void {
  if (dueAt - settings.clock.now() <= longHoldMs) return
  const heldUntil = new Date(dueAt).toISOString()
  log.warn({ offset, heldUntil }, 'a message is held back for long; its key waits, and so may its partition')
}

/** Tells of a message that is handled again. */
export function tellRetry(
  { log, consumer }: Telling,
  { offset }: Told,
  { error, attempt, delayMs }: Failure & { readonly delayMs: number },
): void {
  const facts = { offset, code: error.code, attempt, delayMs: Math.round(delayMs), err: error }
  log.warn(facts, `${consumer.handler} failed; the message is handled again`)
}

/** Tells of a batch that failed, once for all its messages. */
export function tellBatchRetry(
  { log, handler }: { readonly log: Pick<Logger, 'warn'>; readonly handler: string },
  { error, messageCount }: Pick<Failure, 'error'> & { readonly messageCount: number },
): void {
  const facts = { messageCount, code: error.code, err: error }
  log.warn(facts, `${handler} failed with a batch; each of its messages is handled again alone`)
}

/** Tells of a handler that is waited for no longer, once for all messages that it has. */
export function tellOvertaken(
  { log, consumer }: Pick<Telling, 'log' | 'consumer'>,
  { peer }: { readonly peer: string },
  messageCount: number,
): void {
  const text = `${consumer.handler} goes on though its time is over`
  if (messageCount === 1) log.error({ peer }, `${text}; its key is not held up any longer`)
  else log.error({ peer, messageCount }, `${text}; the keys of its batch are not held up any longer`)
}

/** Tells of a message that is halted, once: nobody is told by a dead letter. */
export function tellHalt({ log, consumer }: Telling, record: Place, { error, attempt }: Failure): void {
  const { topic, partition, offset } = record
  const facts = {
    peer: `${topic}/${partition}@${offset}`,
    offset,
    code: error.code,
    reason: error.reason,
    attempt,
    err: error,
  }
  const text = 'the message is halted, and what waits behind it, until it is given attempts anew'
  log.error(facts, `${consumer.handler} failed for the last time; ${text}`)
}

/** Tells of a message that is skipped, which is done with then. */
export function tellSkip({ log, consumer }: Telling, { offset }: Told, { error, attempt }: Failure): true {
  const facts = { offset, code: error.code, reason: error.reason, attempt, err: error }
  log.warn(facts, `${consumer.handler} failed; the message is skipped, as its consumer says of ${error.code}`)
  return true
}

/** A message that is held for longer is worth a line of log: its partition goes on for so many others only. A guess. */
const longHoldMs = 3_600_000
