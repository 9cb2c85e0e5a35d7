import type { QueueDriver } from '../../queue-driver.ts'
import { requireLine, requireOptions, requireWithin } from '../check-option.ts'
import { deadLetterTopic } from '../dead-letter.ts'
import { type LetterOwner, placeText, readPosition } from '../letter-position.ts'
import { AuditLog } from './audit-log.ts'
import type { AuditedLetter, RunResult } from './audit-record.ts'
import type { AuditedRun } from './audit-trail.ts'

export interface AuditListOptions extends LetterOwner {
  /** Only what was begun by this person. */
  readonly by?: string
  /** Only what put this letter back, or tried to: its `position`. */
  readonly letter?: string
  /** Most that are told of, the newest. @defaultValue 100 @remarks Range 1–10_000 */
  readonly maxCount?: number
  /** How long each request to the broker may take. @defaultValue 10_000 @remarks Range 1–600_000 ms */
  readonly timeoutMs?: number
}

/** Who put which dead letters back into their topic, and what became of it. */
export interface RedriveAudit {
  /** The id of the run. */
  readonly run: string
  /** Who redrove. */
  readonly by: string
  /** Epoch milliseconds. */
  readonly begunAt: number
  /** Epoch milliseconds; undefined while it goes on, and for one that was killed. */
  readonly endedAt: number | undefined
  /** `open` while it goes on, and for one that was killed: the next run settles what it left. */
  readonly result: RunResult | 'open'
  /** Why it did not come to its end. */
  readonly error: string | undefined
  /** Which letters were meant, as it was asked for. */
  readonly selection: Readonly<Record<string, unknown>>
  /** Those that were put back, in that order. */
  readonly letters: readonly AuditedRedrive[]
}

export interface AuditedRedrive {
  /** Where the letter lies. */
  readonly position: string
  /** When it was known to be back, in epoch milliseconds; undefined for one of which nobody can tell whether it is. */
  readonly redrivenAt: number | undefined
  /** What was changed: `value`, `key`, `header x-tenant`. */
  readonly patched: readonly string[]
}

/**
 * Who redrove dead letters of a group, the oldest first. Empty where nobody ever did. The broker keeps it as long as its topic,
 * `<topic>.dlq.<group>.audit`, keeps records.
 *
 * @param driver One that is connected.
 * @throws ServiceError `unavailable`; `invalid_argument`, `out_of_range` for an option.
 */
export async function listAudits(driver: QueueDriver, options: AuditListOptions): Promise<readonly RedriveAudit[]> {
  requireOptions('listAudits', options, ['topic', 'group', 'by', 'letter', 'maxCount', 'timeoutMs'])
  const { by, letter, maxCount = 100, timeoutMs = 10_000 } = options
  requireLine('topic', options.topic, 249)
  requireLine('group', options.group, 249)
  requireWithin('maxCount', maxCount, { min: 1, max: 10_000 })
  requireWithin('timeoutMs', timeoutMs, { min: 1, max: 600_000 })
  if (by !== undefined) requireLine('by', by, 200)
  const place = letter === undefined ? undefined : placeText(readPosition('letter', letter, options))
  const log = new AuditLog(driver, options, { timeoutMs })
  await log.catchUp()
  const fits = (run: AuditedRun) =>
    (by === undefined || run.begun.by === by) &&
    (place === undefined || lettersOf(run).some((one) => one.place === place))
  const prefix = deadLetterTopic(options.topic, options.group)
  return log.trail.runs
    .filter(fits)
    .slice(-maxCount)
    .map((run) => toAudit(run, prefix))
}

type SeenLetter = AuditedLetter & { readonly redrivenAt?: number }

/** What was put back, then what may have been. */
function lettersOf({ redriven, uncertain, open }: AuditedRun): readonly SeenLetter[] {
  return [...redriven, ...uncertain, ...(open?.letters ?? [])]
}

function toAudit(run: AuditedRun, prefix: string): RedriveAudit {
  const { begun, ended } = run
  return {
    run: begun.run,
    by: begun.by,
    begunAt: begun.at,
    endedAt: ended?.at,
    result: ended?.result ?? 'open',
    error: ended?.error,
    selection: begun.selection,
    letters: lettersOf(run).map(({ place, redrivenAt, patched = [] }) => ({
      position: `${prefix}/${place}`,
      redrivenAt,
      patched,
    })),
  }
}
