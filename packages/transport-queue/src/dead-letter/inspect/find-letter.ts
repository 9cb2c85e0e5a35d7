import { ServiceError } from '@tenon/core/transport'
import type { QueueDriver } from '../../queue-driver.ts'
import { requireLine, requireWithin } from '../check-option.ts'
import type { DeadLetter } from '../dead-letter.ts'
import { type LetterOwner, readPosition } from '../letter-position.ts'
import { visitLetters } from '../visit-letters.ts'

/** Which letter is meant. */
export interface FindOptions extends LetterOwner {
  /** Where it lies: `shop.order.placed.v1.dlq.user/0@17`. */
  readonly position: string
  /** How long reading it may take. @defaultValue 10_000 @remarks Range 1–600_000 ms */
  readonly timeoutMs?: number
}

/** @throws ServiceError `not_found` where no letter lies; `invalid_argument`, `out_of_range` for an option; `unavailable` */
export async function findLetter(driver: QueueDriver, options: FindOptions): Promise<DeadLetter> {
  const { topic, group, position, timeoutMs = 10_000 } = options
  requireLine('topic', topic, 249)
  requireLine('group', group, 249)
  requireWithin('timeoutMs', timeoutMs, { min: 1, max: 600_000 })
  const { partition, offset } = readPosition('position', position, options)
  const ranges = new Map([[partition, { fromOffset: offset, toOffset: offset + 1 }]])
  const found: DeadLetter[] = []
  await visitLetters(driver, { topic, group, timeoutMs, ranges }, ({ letter }) => void found.push(letter))
  const [letter] = found
  if (letter === undefined) throw new ServiceError('not_found', `position: no dead letter lies at ${position}`)
  return letter
}
