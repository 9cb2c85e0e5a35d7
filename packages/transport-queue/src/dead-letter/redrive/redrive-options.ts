import type { EventType } from '@tenon/core/contract'
import { isRecord, optionCheck, type PayloadFormat, ServiceError, SetupError } from '@tenon/core/transport'
import { checkFormats } from '../../format/check-formats.ts'
import { type QueueClock, systemClock } from '../../wait.ts'
import { foundText, malformed, requireLine, requireOptions, requireWithin } from '../check-option.ts'
import type { DeadLetter } from '../dead-letter.ts'
import { compileFilter, describeFilter, type LetterFilter, type LetterTest } from '../letter-filter.ts'
import { type LetterOwner, placeText, readPosition } from '../letter-position.ts'
import { checkPatch, type LetterPatch } from './letter-patch.ts'
import { LetterPatcher } from './patch-letter.ts'

/** Which letters are put back, who does it, and how. */
export interface RedriveLettersOptions extends LetterOwner {
  /** Who redrives, for the audit: a line of 1 to 200 characters. */
  readonly by: string
  /** Only letters that fit. @defaultValue all */
  readonly where?: LetterFilter
  /** Only these letters: their `position`s. @defaultValue all */
  readonly positions?: readonly string[]
  /** What is changed in each, or what says so of a letter; a letter of which it gives nothing goes as it came. @defaultValue nothing */
  readonly patch?: LetterPatch | ((letter: DeadLetter) => LetterPatch | undefined)
  /** What patched messages must fit, and how their payloads are written: the event of the topic. @defaultValue no check */
  readonly event?: EventType
  /** Formats beside JSON that patched messages may have: `[protobufFormat()]`. @defaultValue none */
  readonly formats?: readonly PayloadFormat[]
  /** Most messages put back in a second. @defaultValue no limit @remarks Range 1–1_000_000 */
  readonly ratePerSecond?: number
  /** Whether only to tell which would go, and what is to be said of retention; nothing is written then. @defaultValue false */
  readonly dryRun?: boolean
  /** Most letters that are put back, in their order. @defaultValue 10_000 @remarks Range 1–1_000_000 */
  readonly maxCount?: number
  /**
   * Whether to put back also those of which nobody can tell whether an older run did, because their topic does not keep the records any
   * more among which they would be found. They may be handled twice then.
   *
   * @defaultValue false
   */
  readonly repeatUncertain?: boolean
  /** How long each request to the broker may take. @defaultValue 10_000 @remarks Range 1–600_000 ms */
  readonly timeoutMs?: number
  /**
   * How long to look, after the last message, whether the group goes on at all; it ends as soon as it does. 0 does not look.
   *
   * @defaultValue 5_000, a guess: consumers that are there commit several times a second
   * @remarks Range 0–600_000 ms
   */
  readonly watchMs?: number
  /** Ends it between two batches. */
  readonly signal?: AbortSignal
  /** Time, for tests. */
  readonly clock?: QueueClock
}

export const redriveDefaults = Object.freeze({ maxCount: 10_000, timeoutMs: 10_000, watchMs: 5_000 })

export interface RedriveSettings {
  readonly owner: LetterOwner
  readonly by: string
  readonly fits: LetterTest
  /** Places of the only letters that are meant. */
  readonly places: ReadonlySet<string> | undefined
  /** What is meant, for the audit. */
  readonly selection: Readonly<Record<string, unknown>>
  readonly patchOf: (letter: DeadLetter) => LetterPatch | undefined
  readonly patcher: LetterPatcher
  readonly ratePerSecond: number | undefined
  readonly isDry: boolean
  readonly maxCount: number
  readonly repeatsUncertain: boolean
  readonly timeoutMs: number
  readonly watchMs: number
  readonly signal: AbortSignal
  readonly clock: QueueClock
}

/** @throws ServiceError `invalid_argument`, `out_of_range` that name the option */
export function resolveRedrive(options: RedriveLettersOptions): RedriveSettings {
  requireOptions('redriveDeadLetters', options, Object.keys(names))
  const { topic, group, by, where, ratePerSecond, patch } = options
  const { maxCount, timeoutMs, watchMs } = { ...redriveDefaults, ...options }
  check(options)
  return Object.freeze({
    owner: { topic, group },
    by,
    fits: compileFilter(where),
    places: placesOf(options),
    selection: describeSelection(options),
    patchOf: typeof patch === 'function' ? patch : () => patch,
    patcher: patcherOf(options),
    ratePerSecond,
    isDry: options.dryRun ?? false,
    maxCount,
    repeatsUncertain: options.repeatUncertain ?? false,
    timeoutMs,
    watchMs,
    signal: options.signal ?? new AbortController().signal,
    clock: options.clock ?? systemClock,
  })
}

const names: Readonly<Record<keyof RedriveLettersOptions, true>> = {
  topic: true,
  group: true,
  by: true,
  where: true,
  positions: true,
  patch: true,
  event: true,
  formats: true,
  ratePerSecond: true,
  dryRun: true,
  maxCount: true,
  repeatUncertain: true,
  timeoutMs: true,
  watchMs: true,
  signal: true,
  clock: true,
}

const ranges = {
  ratePerSecond: { min: 1, max: 1_000_000 },
  maxCount: { min: 1, max: 1_000_000 },
  timeoutMs: { min: 1, max: 600_000 },
  watchMs: { min: 0, max: 600_000 },
} as const

function check(options: RedriveLettersOptions): void {
  const given: Readonly<Record<string, unknown>> = { ...options }
  requireLine('topic', options.topic, 249)
  requireLine('group', options.group, 249)
  requireLine('by', options.by, 200)
  for (const [name, range] of Object.entries(ranges))
    if (given[name] !== undefined) requireWithin(name, given[name], range)
  for (const name of ['dryRun', 'repeatUncertain']) {
    const value = given[name]
    if (value !== undefined && typeof value !== 'boolean')
      throw malformed(`${name} must be true or false, found ${foundText(value)}`)
  }
  if (options.patch !== undefined && typeof options.patch !== 'function') checkPatch(options.patch)
}

function placesOf({ positions, ...owner }: RedriveLettersOptions): ReadonlySet<string> | undefined {
  if (positions === undefined) return undefined
  if (!Array.isArray(positions) || positions.length === 0)
    throw malformed('positions must be a list of positions of letters, at least one')
  return new Set(positions.map((one, index) => placeText(readPosition(`positions[${index}]`, one, owner))))
}

function describeSelection({ where, positions, maxCount }: RedriveLettersOptions): Readonly<Record<string, unknown>> {
  return {
    ...(where !== undefined && { where: describeFilter(where) }),
    ...(positions !== undefined && { positionCount: positions.length }),
    ...(maxCount !== undefined && { maxCount }),
  }
}

function patcherOf({ topic, event, formats = [] }: RedriveLettersOptions): LetterPatcher {
  const [problem] = checkFormats(formats, optionCheck('redriveDeadLetters'))
  if (problem !== undefined) throw malformed(problem.message)
  if (event !== undefined && (!isRecord(event) || event.topic !== topic)) {
    const found = isRecord(event) ? event['topic'] : event
    throw malformed(`event must be that of topic ${topic}, found ${foundText(found)}`)
  }
  try {
    return new LetterPatcher({ event, formats })
  } catch (cause) {
    const text = cause instanceof SetupError ? cause.message : 'it cannot be read'
    throw new ServiceError('invalid_argument', `event cannot be used: ${text}`, { cause })
  }
}
