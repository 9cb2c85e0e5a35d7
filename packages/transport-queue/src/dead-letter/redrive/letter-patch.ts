import { isRecord } from '@tenon/core/transport'
import type { RecordHeader } from '../../queue-driver.ts'
import { foundText, malformed, requireNames } from '../check-option.ts'

/** What is put in the place of what came. What is left out stays. */
export interface LetterPatch {
  /**
   * The payload. Bytes stand as they are; anything else is written in the message's content type, and into its envelope where it is
   * an event in structured mode.
   */
  readonly value?: unknown
  /** Headers by their names, in any case: text or bytes, or null for none. */
  readonly headers?: Readonly<Record<string, string | Uint8Array | null>>
  /** Text in UTF-8 or bytes, or null for none. The partition follows the key. */
  readonly key?: string | Uint8Array | null
}

/** @throws ServiceError `invalid_argument` that names the field */
export function checkPatch(patch: unknown): asserts patch is LetterPatch {
  if (!isRecord(patch)) throw malformed(`patch must be an object, found ${foundText(patch)}`)
  requireNames('patch', patch, ['value', 'headers', 'key'])
  const { headers, key } = patch
  if (key !== undefined && !isContent(key))
    throw malformed(`patch.key must be text, bytes or null, found ${foundText(key)}`)
  if (headers === undefined) return
  if (!isRecord(headers)) throw malformed(`patch.headers must be an object, found ${foundText(headers)}`)
  for (const [name, value] of Object.entries(headers)) {
    if (!isFree(name))
      throw malformed(`patch.headers must not have ${JSON.stringify(name)}, which is not an operator's to write`)
    if (!isContent(value))
      throw malformed(`patch.headers.${name} must be text, bytes or null, found ${foundText(value)}`)
  }
}

/** The headers with those of the patch in the place of all of their names. */
export function patchHeaders(
  headers: readonly RecordHeader[],
  patch: LetterPatch['headers'] = {},
): readonly RecordHeader[] {
  const changed = new Set(Object.keys(patch).map((name) => name.toLowerCase()))
  const added = Object.entries(patch).flatMap(([name, value]): readonly RecordHeader[] =>
    value === null ? [] : [[name, typeof value === 'string' ? Buffer.from(value) : value]],
  )
  return [...headers.filter(([name]) => !changed.has(name.toLowerCase())), ...added]
}

function isContent(value: unknown): boolean {
  return value === null || typeof value === 'string' || value instanceof Uint8Array
}

/** What begins with `tenon-` is ours, but for the moment until which a message is held back. */
function isFree(name: string): boolean {
  const lower = name.toLowerCase()
  return lower !== '' && (!lower.startsWith('tenon-') || lower === 'tenon-not-before')
}
