import type { QueueDriver } from '../../queue-driver.ts'
import { requireOptions, requireWithin } from '../check-option.ts'
import type { DeadLetter } from '../dead-letter.ts'
import { type FindOptions, findLetter } from './find-letter.ts'
import { showPayload, type ShownBytes, showText } from './shown-bytes.ts'

export interface InspectOptions extends FindOptions {
  /** Most bytes that are shown of each part. @defaultValue 65_536, a guess @remarks Range 1–16_777_216 */
  readonly maxShownBytes?: number
}

/** A letter with its message as a person can read it. */
export interface InspectedLetter {
  /** All that is known of it, with its bytes as they came. */
  readonly letter: DeadLetter
  readonly key: ShownBytes
  readonly value: ShownBytes
  readonly headers: readonly ShownHeader[]
}

export interface ShownHeader {
  readonly name: string
  readonly value: ShownBytes
}

/**
 * One dead letter. Nothing of it is hidden: who may read the topic sees what lies there.
 *
 * @param driver One that is connected.
 * @throws ServiceError `not_found` where no letter lies; `invalid_argument`, `out_of_range` for an option; `unavailable`.
 */
export async function inspectDeadLetter(driver: QueueDriver, options: InspectOptions): Promise<InspectedLetter> {
  requireOptions('inspectDeadLetter', options, ['topic', 'group', 'position', 'timeoutMs', 'maxShownBytes'])
  const { maxShownBytes = 65_536, ...which } = options
  requireWithin('maxShownBytes', maxShownBytes, { min: 1, max: 16_777_216 })
  const letter = await findLetter(driver, which)
  return {
    letter,
    key: showText(letter.key, maxShownBytes),
    value: showPayload(letter.value, maxShownBytes),
    headers: letter.headers.map(([name, value]) => ({ name, value: showText(value, maxShownBytes) })),
  }
}
