import type { QueueDriver } from '../queue-driver.ts'
import { requireOptions, requireWithin } from './check-option.ts'
import type { DeadLetter } from './dead-letter.ts'
import { asItCame, cannotRedrive, hindranceOf, toRedrivenRecord } from './redrive/redriven-record.ts'

export interface RedriveOptions {
  /** How long storing it may take. @defaultValue 10_000 @remarks Range 1–600_000 ms */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * Puts a message that was given up back into its topic, for the group that gave it up: others pass it over. It comes behind all
 * messages of its key that are there by now. The letter stays where it is and nobody writes down that it was redriven, so one that
 * is redriven twice is handled twice: `redriveDeadLetters` sees to that.
 *
 * @param driver One that is connected.
 * @throws ServiceError `failed_precondition` for a letter that holds only a part of its message or an expired event in
 * structured mode, `unavailable`, `internal`; `invalid_argument`, `out_of_range` for an option.
 */
export async function redriveDeadLetter(
  driver: QueueDriver,
  letter: DeadLetter,
  options: RedriveOptions = {},
): Promise<void> {
  requireOptions('redriveDeadLetter', options, ['timeoutMs', 'signal'])
  const { timeoutMs = 10_000, signal } = options
  requireWithin('timeoutMs', timeoutMs, { min: 1, max: 600_000 })
  const message = asItCame(letter)
  const hindrance = hindranceOf(letter, message)
  if (hindrance !== undefined) throw cannotRedrive(letter.position, hindrance)
  await driver.produce([toRedrivenRecord(letter, message, Date.now())], { timeoutMs, signal })
}
