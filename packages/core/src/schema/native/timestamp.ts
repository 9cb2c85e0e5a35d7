import type { TUnsafe } from 'typebox'
import { ContractError } from '../../error/setup-error.ts'
import type { JsonSchema } from '../schema.ts'
import { unsafeSchema } from './unsafe-schema.ts'

export interface TimestampOptions {
  /** What a reader finds where the field is absent, in the form of the type. */
  readonly default?: string
  readonly title?: string
  readonly description?: string
}

/**
 * A moment: text in handlers, clients and JSON, `google.protobuf.Timestamp` in protobuf. The text is a date and time in UTC
 * with 3, 6 or 9 digits of a second, and with no more of them than it needs, so that each moment has one spelling and
 * `date.toISOString()` is it. Years 0001–9999; no leap seconds, which protobuf does not count.
 *
 * Others write a moment otherwise: what is read from JSON, over HTTP or off a queue, may have any form of RFC 3339 with up to 9
 * digits of a second, such as `2026-01-31T12:00:00Z` or an offset, and is given its one spelling before it is checked. What
 * handlers and clients of ours write has that spelling.
 *
 * @throws ContractError `contract.schema` for a default that is none.
 * @see RFC 3339 section 5.6, and Protocol Buffers, JSON mapping of Timestamp
 */
export function timestamp(options: TimestampOptions = {}): TUnsafe<string> {
  const { default: initial, title, description } = options
  if (initial !== undefined && !isTimestampText(initial)) throw badDefault(initial)
  return unsafeSchema<string>({
    type: 'string',
    format: 'date-time',
    pattern: form.source,
    [keyword]: true,
    default: initial,
    title,
    description,
  })
}

/** Whether a schema is a `timestamp()`. */
export function isTimestamp(schema: JsonSchema): boolean {
  return schema[keyword] === true
}

/** Whether a text is a moment, and in its one spelling. */
export function isTimestampText(text: string): boolean {
  if (!form.test(text)) return false
  const second = `${text.slice(0, 19)}.000Z`
  const at = Date.parse(second)
  // A day that its month does not have is taken for one of the next.
  return !Number.isNaN(at) && new Date(at).toISOString() === second
}

/** A moment of any spelling in its one spelling; what is no moment stays as it is. @see RFC 3339 section 5.6 */
export function toTimestampText(text: string): string {
  if (form.test(text)) return text
  const [, second = '', digits = '', offset = ''] = anyForm.exec(text.toUpperCase()) ?? []
  // What the calendar does not have is not made another day of.
  if (!isTimestampText(`${second}.000Z`)) return text
  const utc = new Date(Date.parse(second + offset)).toISOString().slice(0, 19)
  const moment = `${utc}.${digits.padEnd(9, '0').replace(/(?:000){1,2}$/, '')}Z`
  return isTimestampText(moment) ? moment : text
}

const keyword = 'x-timestamp'

/** Six digits must not end in three zeros, nor must nine. */
const form =
  /^(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.(?:[0-9]{3}|(?:[0-9]{3}){1,2}(?!000)[0-9]{3})Z$/

const anyForm = /^([0-9-]{10}T[0-9:]{8})(?:\.([0-9]{1,9}))?(Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$/

function badDefault(found: unknown): ContractError {
  const message = `timestamp(): default must be a moment such as 2026-01-31T12:00:00.000Z, found ${JSON.stringify(found)}`
  return new ContractError([{ code: 'contract.schema', message }])
}
