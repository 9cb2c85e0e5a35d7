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

/** Whether brokers have refused it for good, so that certainly nothing of it is stored. */
export function isRefusal(names: ReadonlySet<string>): boolean {
  return [...names].some(
    (name) => sizes.has(name) || codes.get(name) === 'internal' || codes.get(name) === 'permission_denied',
  )
}

/** What a broker says of a record that is too large for it. */
const sizes: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])

/** What a broker says else of what it does not take, and no waiting mends. */
const codes: ReadonlyMap<string, ErrorCode> = new Map([
  ['UNKNOWN_TOPIC_OR_PARTITION', 'not_found'],
  ['TOPIC_AUTHORIZATION_FAILED', 'permission_denied'],
  ['INVALID_TOPIC_EXCEPTION', 'internal'],
  ['INVALID_RECORD', 'internal'],
  ['INVALID_TIMESTAMP', 'internal'],
])
