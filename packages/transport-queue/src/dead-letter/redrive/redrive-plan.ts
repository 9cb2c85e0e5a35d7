import { ServiceError } from '@tenon/core/transport'
import type { QueueDriver } from '../../queue-driver.ts'
import { byteCountOf } from '../../driver/record-size.ts'
import type { AuditedLetter } from '../audit/audit-record.ts'
import { type DeadLetter, type DeadLetterSource, deadLetterTopic } from '../dead-letter.ts'
import { type LetterPlace, placeText } from '../letter-position.ts'
import { visitLetters } from '../visit-letters.ts'
import { requireGoingOn } from './going-on.ts'
import type { RedriveSettings } from './redrive-options.ts'

/** A letter that is meant, without its message. */
export interface SelectedLetter extends LetterPlace, AuditedLetter {
  readonly position: string
  readonly code: string
  readonly reason: string | undefined
  readonly message: DeadLetterSource
  /** When it was given up, in epoch milliseconds. */
  readonly failedAt: number
  readonly byteCount: number
}

/**
 * The letters that are meant, in the order in which their messages lay: so that those of a key keep it. Two letters of one message,
 * which was given up twice, stand beside each other.
 *
 * @throws ServiceError `not_found` for a topic or a position without letters, `resource_exhausted` for too many, `cancelled`, `unavailable`
 */
export async function selectLetters(
  driver: QueueDriver,
  settings: RedriveSettings,
): Promise<readonly SelectedLetter[]> {
  const { owner, fits, places, timeoutMs, signal } = settings
  const selected: SelectedLetter[] = []
  const missing = new Set(places)
  const visit = ({ letter, ...place }: LetterPlace & { readonly letter: DeadLetter }) => {
    missing.delete(placeText(place))
    if (places?.has(placeText(place)) === false || !fits(letter)) return
    if (selected.length < mostLetterCount) selected.push(toSelected(letter, place))
    else isTooMuch = true
  }
  let isTooMuch = false
  const isWhole = await visitLetters(driver, { ...owner, timeoutMs, signal }, visit)
  const topic = deadLetterTopic(owner.topic, owner.group)
  requireGoingOn(signal)
  if (!isWhole) throw new ServiceError('unavailable', `topic ${topic} could not be read to its end`)
  if (isTooMuch)
    throw new ServiceError('resource_exhausted', `where must fit ${mostLetterCount} letters at most: narrow it`)
  const [gone] = missing
  if (gone !== undefined) throw new ServiceError('not_found', `positions: no dead letter lies at ${topic}/${gone}`)
  return selected.toSorted(bySource)
}

/** What is kept of each takes about 400 bytes. A guess at what one process may hold. */
const mostLetterCount = 1_000_000

function toSelected(letter: DeadLetter, place: LetterPlace): SelectedLetter {
  const { partition, offset, timestampAt = '' } = letter.source
  return {
    ...place,
    place: placeText(place),
    source: `${partition}@${offset}@${timestampAt}`,
    position: letter.position,
    code: letter.code,
    reason: letter.reason,
    message: letter.source,
    failedAt: letter.lastFailedAt,
    byteCount: byteCountOf({ topic: letter.source.topic, ...letter }),
  }
}

function bySource(one: SelectedLetter, other: SelectedLetter): number {
  return (
    one.message.partition - other.message.partition ||
    one.message.offset - other.message.offset ||
    one.partition - other.partition ||
    one.offset - other.offset
  )
}
