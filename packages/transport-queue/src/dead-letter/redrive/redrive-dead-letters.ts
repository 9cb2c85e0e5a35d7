import type { QueueDriver } from '../../queue-driver.ts'
import type { DeadLetterSource } from '../dead-letter.ts'
import { type RedriveLettersOptions, resolveRedrive } from './redrive-options.ts'
import { selectLetters } from './redrive-plan.ts'
import { type LetterOutcome, RedriveRun, type SettledLetter } from './redrive-run.ts'
import { readProgress, warningOf, watchGroup } from './watch-group.ts'

export interface RedriveResult {
  /** The id of the run, which the audit knows it by; undefined when nothing was written. */
  readonly run: string | undefined
  /** How many were put back, or would be. */
  readonly redrivenCount: number
  /** Whether no letter is left because of `maxCount`. */
  readonly isComplete: boolean
  /** All that were meant, in the order of their messages. */
  readonly letters: readonly RedrivenLetter[]
  /** What should be looked after, such as consumers that seem to be down. */
  readonly warnings: readonly string[]
}

export interface RedrivenLetter {
  /** Where the letter lies. */
  readonly position: string
  /** Where its message lay. */
  readonly source: DeadLetterSource
  readonly code: string
  readonly reason: string | undefined
  readonly outcome: LetterOutcome
  /** What was changed: `value`, `key`, `header x-tenant`. */
  readonly patched: readonly string[]
}

/**
 * Puts messages that were given up back into their topic, for the group that gave them up, in the order in which they lay there. They
 * come behind all messages of their keys that are there by now, and each names its letter. Letters stay where they are.
 *
 * Safe to repeat: what is stored of a run keeps a letter, and other letters of the same message, from being put back again by any other
 * run, however often it was killed or failed. A run that begins while another goes on takes its place: the older one ends as `aborted`.
 *
 * @param driver One that is connected.
 * @throws ServiceError `not_found` for a group without dead letters, a topic that is gone and a position without a letter;
 * `invalid_argument`, `out_of_range` for an option and a patch that does not fit; `aborted` when another run took its place; `cancelled`
 * by the signal; `failed_precondition` when the topic of the audit cannot be created; `resource_exhausted` for more than a million letters;
 * `unavailable`. What was put back before stays so: `details` of what fails from the first step that is stored on have the `run` and its `redrivenCount`.
 */
export async function redriveDeadLetters(driver: QueueDriver, options: RedriveLettersOptions): Promise<RedriveResult> {
  const settings = resolveRedrive(options)
  const before = await readProgress(driver, settings)
  const selected = await selectLetters(driver, settings)
  const run = new RedriveRun(driver, settings)
  const settled = settings.isDry ? await run.rehearse(selected) : await run.carryOut(selected)
  const redrivenCount = settled.filter(({ outcome }) => outcome === 'redriven').length
  const isWatched = !settings.isDry && redrivenCount > 0
  const watched = isWatched ? await watchGroup(driver, before, settings) : undefined
  const warnings = [run.warning, warningOf(before, settings), watched]
  const places = new Map(selected.map((letter, index) => [letter, index]))
  const placeOf = ({ letter }: SettledLetter) => places.get(letter) ?? 0
  return {
    run: settings.isDry ? undefined : run.id,
    redrivenCount,
    isComplete: settled.every(({ outcome }) => outcome !== 'not_reached'),
    letters: settled.toSorted((one, other) => placeOf(one) - placeOf(other)).map(toResult),
    warnings: warnings.filter((warning) => warning !== undefined),
  }
}

function toResult({ letter, outcome, patched }: SettledLetter): RedrivenLetter {
  const { position, message, code, reason } = letter
  return { position, source: message, code, reason, outcome, patched }
}
