import { type ErrorCode, ServiceError } from '@tenon/core/transport'
import { recordTooLarge } from '../record-too-large.ts'

/** What a caller is told when brokers did not take a record, by Kafka's own names for what went wrong. */
export function toSendError(names: ReadonlySet<string>, target: string, cause: unknown): ServiceError {
  const message = `${target} did not take the message`
  const isAmong = (known: ReadonlySet<string>) => [...names].some((name) => known.has(name))
  if (isAmong(sizes)) return recordTooLarge(message, cause)
  const [code = 'unavailable'] = [...codes].filter(([name]) => names.has(name)).map(([, told]) => told)
  return new ServiceError(code, message, { cause })
}

/** What a reader is told when no waiting mends it, by Kafka's own names for what went wrong; undefined when it may. */
export function notReadable(names: ReadonlySet<string>, topic: string): ServiceError | undefined {
  if (names.has('UNKNOWN_TOPIC_OR_PARTITION')) return new ServiceError('not_found', `there is no topic ${topic}`)
  if (names.has('INVALID_TOPIC_EXCEPTION')) return new ServiceError('not_found', `there can be no topic ${topic}`)
  if (!names.has(forbiddenTopic)) return undefined
  return new ServiceError('permission_denied', `topic ${topic} may not be read`)
}

/** What is told of a topic and a group that may not be looked at, by Kafka's own names for what went wrong; undefined for anything else. */
export function notDescribable(names: ReadonlySet<string>, topic: string, group = ''): ServiceError | undefined {
  const refused = [
    names.has(forbiddenTopic) && `topic ${topic}`,
    names.has('GROUP_AUTHORIZATION_FAILED') && `group ${group}`,
  ]
  const [found] = refused.filter((one) => one !== false)
  return found === undefined ? undefined : new ServiceError('permission_denied', `${found} may not be described`)
}

/** What a member is told that may not commit beside its partition; undefined when it may. */
export function notAllowedBeside(names: ReadonlySet<string>, topic: string): ServiceError | undefined {
  if (!names.has(forbiddenTopic)) return undefined
  return new ServiceError('permission_denied', `topic ${topic} may not be read, so nothing of it can be committed`)
}

/** What a member is told whose commit did not get through in time. */
export function notCommitted(reason: string, cause: unknown): ServiceError {
  return new ServiceError('unavailable', `the offset could not be committed: ${reason}`, { cause })
}

/** What a member is told that commits beside its partition where nothing is. */
export function nothingBeside({ partition }: { readonly partition: number }, topic: string): ServiceError {
  return new ServiceError('not_found', `there is no topic ${topic} with a partition ${partition}`)
}

/** What is wrong with the word of a broker that does not know a topic in which a group has committed something. */
export function notKnownYet(topic: string, group: string): Error {
  return new Error(`a broker does not know of topic ${topic}, in which group ${group} has committed something`)
}

/** Whether certainly nothing is stored of a request that failed with it. */
export function isCertain(name: string): boolean {
  return sizes.has(name) || codes.has(name)
}

/** Whether the fault is with the records themselves, wherever and whenever they are sent. */
export function isBadRecord(name: string): boolean {
  return sizes.has(name) || codes.get(name) === 'internal'
}

/** What a broker says of a topic, or of a partition, that it does not know. */
export const unknownTopic = 'UNKNOWN_TOPIC_OR_PARTITION'

const forbiddenTopic = 'TOPIC_AUTHORIZATION_FAILED'

/** What a broker says of a record that is too large for it. */
const sizes: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])

/** What a broker says else of what it does not take, and no waiting mends. */
const codes: ReadonlyMap<string, ErrorCode> = new Map([
  [unknownTopic, 'not_found'],
  [forbiddenTopic, 'permission_denied'],
  ['INVALID_TOPIC_EXCEPTION', 'internal'],
  ['INVALID_RECORD', 'internal'],
  ['INVALID_TIMESTAMP', 'internal'],
])

/** A topic that was just created is not known to every broker at once. A guess. */
export const missingTopicPatienceMs = 1_000
