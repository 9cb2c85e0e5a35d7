import { ServiceError } from '@tenon/core/transport'
import type { QueueDriver, RecordToSend } from '../../queue-driver.ts'
import type { AuditedLetter } from '../audit/audit-record.ts'
import type { DeadLetter } from '../dead-letter.ts'
import { placeText } from '../letter-position.ts'
import type { OffsetRange } from '../read-ranges.ts'
import { visitLetters } from '../visit-letters.ts'
import type { RedriveSettings } from './redrive-options.ts'
import type { SelectedLetter } from './redrive-plan.ts'
import { asItCame, hindranceOf, type RedriveHindrance, toRedrivenRecord } from './redriven-record.ts'

/** A letter with its message as it would go; without one that cannot go. */
export interface LetterMessage {
  readonly letter: SelectedLetter
  /** `gone` when the broker does not keep it any more. */
  readonly hindrance: RedriveHindrance | 'gone' | undefined
  readonly record: RecordToSend | undefined
  readonly audited: AuditedLetter
}

/**
 * Reads the messages of some letters, and changes them as was asked.
 *
 * @throws ServiceError `invalid_argument` for a patch that cannot be applied, `unavailable`
 */
export async function readMessages(
  driver: QueueDriver,
  selected: readonly SelectedLetter[],
  settings: RedriveSettings,
): Promise<readonly LetterMessage[]> {
  const { owner, timeoutMs } = settings
  const wanted = new Set(selected.map(({ place }) => place))
  const letters = new Map<string, DeadLetter>()
  const ranges = rangesOf(selected)
  const isWhole = await visitLetters(driver, { ...owner, timeoutMs, ranges }, ({ letter, ...place }) => {
    if (wanted.has(placeText(place))) letters.set(placeText(place), letter)
  })
  if (!isWhole) throw new ServiceError('unavailable', 'the dead letters could not be read in time')
  const messages: LetterMessage[] = []
  for (const one of selected) messages.push(await toMessage(one, letters.get(one.place), settings))
  return messages
}

function rangesOf(selected: readonly SelectedLetter[]): ReadonlyMap<number, OffsetRange> {
  const byPartition = Map.groupBy(selected, ({ partition }) => partition)
  return new Map(
    Array.from(byPartition, ([partition, letters]) => {
      const offsets = letters.map(({ offset }) => offset)
      return [partition, { fromOffset: Math.min(...offsets), toOffset: Math.max(...offsets) + 1 }]
    }),
  )
}

async function toMessage(
  selected: SelectedLetter,
  letter: DeadLetter | undefined,
  { patchOf, patcher, clock }: RedriveSettings,
): Promise<LetterMessage> {
  const { place, source } = selected
  if (letter === undefined)
    return { letter: selected, hindrance: 'gone', record: undefined, audited: { place, source } }
  const patch = patchOf(letter)
  const message = patch === undefined ? asItCame(letter) : await patcher.patch(letter, patch)
  const { patched } = message
  const hindrance = hindranceOf(letter, message)
  return {
    letter: selected,
    hindrance,
    record: hindrance === undefined ? toRedrivenRecord(letter, message, clock.now()) : undefined,
    audited: { place, source, ...(patched.length > 0 && { patched }) },
  }
}
