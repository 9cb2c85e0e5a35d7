import type { ServiceError } from '@tenon/core/transport'
import { wait } from '../../wait.ts'
import { isBadRecord, missingTopicPatienceMs, toSendError, unknownTopic } from './kafka-refusal.ts'

/** How a try to store records in one partition went wrong. */
export interface FailedTry {
  /** Kafka's own name for it; empty for what is none of Kafka's. */
  readonly name: string
  /** Whether trying again may help. */
  readonly isRetriable: boolean
  /** Whether a broker may have stored them all the same. */
  readonly mayBeStored: boolean
  readonly cause: unknown
}

export interface SendTries {
  /** Where the brokers are, for messages. */
  readonly target: string
  /** How long a topic may be unknown, from when it is first said to be. @defaultValue 1_000 */
  readonly topicPatienceMs?: number
  /** Fires when nothing is to be tried again. */
  readonly closing: AbortSignal
}

/**
 * Tries until the records are stored, refused, or the patience is over. Each try must number them alike, so that what one of them has
 * stored is not stored again.
 *
 * @returns Undefined when they are stored; else by what the last try said, as long as certainly nothing is stored: `unavailable` when
 * any try may have stored them, unless a broker finds fault with the records themselves.
 */
export async function sendUntilKnown(
  attempt: () => Promise<FailedTry | undefined>,
  { target, closing, topicPatienceMs = missingTopicPatienceMs }: SendTries,
): Promise<ServiceError | undefined> {
  const endsAtMs = performance.now() + sendPatienceMs
  let unknownEndsAtMs = Number.POSITIVE_INFINITY
  let mayBeStored = false
  // Making a connection may have taken longer than anybody waits.
  if (closing.aborted) return toSendError(new Set(), target, closing.reason)
  for (let delayMs = firstDelayMs; ; delayMs = Math.min(2 * delayMs, longestDelayMs)) {
    const failed = await attempt()
    if (failed === undefined) return undefined
    mayBeStored ||= failed.mayBeStored
    const isUnknown = failed.name === unknownTopic
    if (isUnknown && unknownEndsAtMs === Number.POSITIVE_INFINITY) {
      unknownEndsAtMs = performance.now() + topicPatienceMs
      delayMs = firstDelayMs
    }
    const lastMs = (isUnknown ? Math.min(endsAtMs, unknownEndsAtMs) : endsAtMs) - delayMs
    if (!failed.isRetriable || performance.now() > lastMs) return toTold(failed, mayBeStored, target)
    await wait(delayMs, closing)
    if (closing.aborted) return toTold(failed, mayBeStored, target)
  }
}

/** As patient with a question. @throws ServiceError by what the last try said */
export async function askUntilKnown<T>(
  ask: () => Promise<T>,
  toFailed: (cause: unknown) => Omit<FailedTry, 'mayBeStored'>,
  tries: SendTries,
): Promise<T> {
  let answer: { readonly value: T } | undefined
  const told = await sendUntilKnown(async () => {
    try {
      answer = { value: await ask() }
      return undefined
    } catch (cause) {
      return { ...toFailed(cause), mayBeStored: false }
    }
  }, tries)
  if (told) throw told
  // TypeScript does not see that it is there when nothing is told.
  if (answer === undefined) throw new Error('no answer')
  return answer.value
}

function toTold({ name, cause }: FailedTry, mayBeStored: boolean, target: string): ServiceError {
  return toSendError(new Set([mayBeStored && !isBadRecord(name) ? '' : name]), target, cause)
}

/** Guesses. */
const firstDelayMs = 100
const longestDelayMs = 2_000
const sendPatienceMs = 9_000
