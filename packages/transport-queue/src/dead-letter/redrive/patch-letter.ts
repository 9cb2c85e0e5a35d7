import type { EventType } from '@tenon/core/contract'
import {
  type CompiledSchema,
  compileSchema,
  invalidArgument,
  isRecord,
  type PayloadFormat,
  ServiceError,
} from '@tenon/core/transport'
import { asBuffer } from '../../bytes.ts'
import { eventContent, type MessageFormat, PayloadFormats } from '../../format/payload-formats.ts'
import { headerText, RecordHeaders } from '../../read/message-headers.ts'
import { readMessage } from '../../read/read-message.ts'
import { malformed } from '../check-option.ts'
import type { DeadLetter } from '../dead-letter.ts'
import { checkPatch, type LetterPatch, patchHeaders } from './letter-patch.ts'
import { writePayload } from './patched-value.ts'
import type { MessageToRedrive } from './redriven-record.ts'

export interface PatchRules {
  /** What patched messages must fit. @defaultValue nothing is checked */
  readonly event?: EventType | undefined
  readonly formats: readonly PayloadFormat[]
}

/** Changes messages as operators say, and makes sure that what comes of it can be handled. */
export class LetterPatcher {
  readonly #rules: PatchRules
  readonly #reading:
    | { readonly event: EventType; readonly schema: CompiledSchema; readonly format: MessageFormat }
    | undefined

  /** @throws WiringError for an event in a format that is not there; ContractError for a schema that cannot be used */
  constructor(rules: PatchRules) {
    const { event, formats } = rules
    this.#rules = rules
    this.#reading = event && {
      event,
      schema: compileSchema(event.payloadSchema, event.payloadJsonSchema, `event ${event.topic}: payload`),
      format: new PayloadFormats('of formats', formats).compile(eventContent(event)),
    }
  }

  /** @throws ServiceError `invalid_argument` that names the letter and the field of the patch */
  async patch(letter: DeadLetter, patch: LetterPatch): Promise<MessageToRedrive> {
    checkPatch(patch)
    const message = this.#change(letter, patch)
    if (message.patched.length > 0) await this.#requireReadable(letter, message)
    return message
  }

  #change(letter: DeadLetter, patch: LetterPatch): MessageToRedrive {
    const { key, value } = letter
    const headers = patchHeaders(letter.headers, patch.headers)
    const contentType = headerText(headers, 'content-type')
    const names = Object.keys(patch.headers ?? {}).map((name) => `header ${name.toLowerCase()}`)
    return {
      headers,
      key: patch.key === undefined ? key : toKey(patch.key),
      value:
        patch.value === undefined ? value : writePayload(patch.value, { contentType, before: value, ...this.#rules }),
      patched: [...(patch.value === undefined ? [] : ['value']), ...(patch.key === undefined ? [] : ['key']), ...names],
    }
  }

  /** As its consumer would read it. */
  async #requireReadable(letter: DeadLetter, { key, value, headers, patched }: MessageToRedrive): Promise<void> {
    if (this.#reading === undefined) return
    const { event, schema, format } = this.#reading
    const record = { ...letter.source, timestampAt: 0, key, value, headers }
    const payload = await readable(letter, () =>
      readMessage(record, new RecordHeaders(headers), { ...unbounded, read: format.read }).payload(),
    )
    const result = await schema.read(payload)
    if (!result.ok)
      throw invalidArgument(result.violations.map((one) => ({ ...one, field: `patch.value${one.field}` })))
    const isKeyTold = patched.includes('key') || (key !== null && patched.includes('value'))
    if (isKeyTold) requireKey(event, result.value, key === null ? undefined : asBuffer(key).toString())
  }
}

const unbounded = {
  maxMessageBytes: Number.POSITIVE_INFINITY,
  maxDelayMs: 31_536_000_000,
  clock: { now: () => Date.now() },
}

function toKey(key: NonNullable<LetterPatch['key']> | null): Uint8Array | null {
  return typeof key === 'string' ? Buffer.from(key) : key
}

async function readable(letter: DeadLetter, read: () => unknown): Promise<unknown> {
  try {
    return read()
  } catch (cause) {
    if (!ServiceError.is(cause)) throw cause
    const message = `patch: nobody could read the message of ${letter.position} then: ${cause.message}`
    throw new ServiceError('invalid_argument', message, { cause })
  }
}

/** A message with the key of another loses its order. */
function requireKey({ key: field }: EventType, payload: unknown, key: string | undefined): void {
  const expected = isRecord(payload) ? payload[field] : undefined
  if (expected === key) return
  throw malformed(`patch.key must be the text of the payload's ${field}, as messages of its event are keyed`)
}
