import { ServiceError } from '@tenon/core/transport'
import { asBuffer } from '../../bytes.ts'
import type { RecordHeader, RecordToSend } from '../../queue-driver.ts'
import { headerText } from '../../read/message-headers.ts'
import { isStructured } from '../../read/structured-event.ts'
import { type DeadLetter, redriveGroupHeader, redriveLetterHeader, redrivePatchedHeader } from '../dead-letter.ts'

/** What is put back of a letter. */
export interface MessageToRedrive extends Pick<DeadLetter, 'key' | 'value' | 'headers'> {
  /** What is not as it came: `value`, `key`, `header x-tenant`. */
  readonly patched: readonly string[]
}

/** Why a letter cannot be put back. */
export type RedriveHindrance = 'not_whole' | 'expired'

/**
 * Why a letter cannot be put back as the message that is given: it lacks a part, or would be given up again at once because its
 * value says that it has expired. Undefined when it can.
 */
export function hindranceOf(letter: DeadLetter, { headers, patched }: MessageToRedrive): RedriveHindrance | undefined {
  const lacks = (part: string, isOmitted: boolean) => isOmitted && !patched.includes(part)
  if (letter.areHeadersOmitted || lacks('value', letter.isValueOmitted) || lacks('key', letter.isKeyOmitted))
    return 'not_whole'
  const isExpired = letter.reason === 'expired' && isStructured(headerText(headers, 'content-type'))
  return isExpired && !patched.includes('value') ? 'expired' : undefined
}

/** A letter's message as it came. */
export function asItCame({ key, value, headers }: DeadLetter): MessageToRedrive {
  return { key, value, headers, patched: [] }
}

/**
 * The message of a letter as it goes back into its topic, for its group alone. It names the letter and what was changed, and is
 * without a time of expiry that is over, with which it would be given up again at once.
 */
export function toRedrivenRecord(letter: DeadLetter, message: MessageToRedrive, now: number): RecordToSend {
  const { key, value, headers, patched } = message
  const added: Readonly<Record<string, string>> = {
    [redriveGroupHeader]: letter.group,
    [redriveLetterHeader]: letter.position,
    ...(patched.length > 0 && { [redrivePatchedHeader]: patched.join(', ') }),
  }
  const ours = Object.entries(added).map(([name, text]): RecordHeader => [name, Buffer.from(text)])
  return { topic: letter.source.topic, key, value, headers: [...headers.filter(isOfUse(now)), ...ours] }
}

/** The error for a letter that cannot be put back. */
export function cannotRedrive(position: string, hindrance: RedriveHindrance): ServiceError {
  const why = { not_whole: 'holds only a part of its message', expired: 'holds an event that has expired' }[hindrance]
  return new ServiceError('failed_precondition', `the dead letter ${position} ${why}`)
}

function isOfUse(now: number): (header: RecordHeader) => boolean {
  return ([name, text]) => name.toLowerCase() !== 'ce_expirytime' || !(Date.parse(asBuffer(text).toString()) <= now)
}
