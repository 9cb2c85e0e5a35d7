import { ServiceError } from '@tenon/core/transport'
import { asBuffer } from '../bytes.ts'
import type { QueueDriver, RecordHeader } from '../queue-driver.ts'
import { isStructured } from '../read/structured-event.ts'
import { type DeadLetter, redriveGroupHeader } from './dead-letter.ts'

export interface RedriveOptions {
  /** How long storing it may take. @defaultValue 10_000 ms */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * Puts a message that was given up back into its topic, for the group that gave it up: others pass it over. It comes behind all
 * messages of its key that are there by now. The letter stays where it is, so one that is redriven twice is handled twice.
 *
 * @param driver One that is connected.
 * @throws ServiceError `failed_precondition` for a letter that holds only a part of its message or an expired event in
 * structured mode, `unavailable`, `internal`.
 */
export async function redriveDeadLetter(
  driver: QueueDriver,
  letter: DeadLetter,
  { timeoutMs = 10_000, signal }: RedriveOptions = {},
): Promise<void> {
  const { source, key, value, group, position } = letter
  if (letter.isValueOmitted || letter.areHeadersOmitted || letter.isKeyOmitted)
    throw new ServiceError('failed_precondition', `the dead letter ${position} holds only a part of its message`)
  if (letter.reason === 'expired' && isStructured(textOf(letter, 'content-type')))
    throw new ServiceError('failed_precondition', `the dead letter ${position} holds an event that has expired`)
  const headers = [...unexpired(letter), [redriveGroupHeader, Buffer.from(group)] as const]
  await driver.produce([{ topic: source.topic, key, value, headers }], { timeoutMs, signal })
}

/** The headers without a time of expiry that is over, with which the message would be given up again at once. */
function unexpired({ headers }: DeadLetter): readonly RecordHeader[] {
  return headers.filter(([name, text]) => !isExpiry(name) || !(Date.parse(asBuffer(text).toString()) <= Date.now()))
}

function isExpiry(name: string): boolean {
  return name.toLowerCase() === 'ce_expirytime'
}

function textOf({ headers }: DeadLetter, name: string): string | undefined {
  const found = headers.findLast(([one]) => one.toLowerCase() === name)
  return found && asBuffer(found[1]).toString()
}
