import type { PartitionProgress, QueueDriver, ReceivedRecord } from '../../queue-driver.ts'
import { ServiceError } from '@tenon/core/transport'
import { headerText } from '../../read/message-headers.ts'
import type { IntendedStep, SettledStep } from '../audit/audit-record.ts'
import type { AuditedRun } from '../audit/audit-trail.ts'
import { deadLetterTopic, redriveLetterHeader } from '../dead-letter.ts'
import { readRanges } from '../read-ranges.ts'
import { requireGoingOn } from './going-on.ts'
import type { RedriveSettings } from './redrive-options.ts'

/** A run that never told what became of its last batch. */
type OpenRun = AuditedRun & { readonly open: IntendedStep }

export interface Settling {
  readonly driver: QueueDriver
  readonly settings: RedriveSettings
  /** Who settles. */
  readonly run: string
}

/**
 * Finds out which letters of open batches were put back, by looking for them in their topic from where it ended when the batch
 * began. One that is not found was not put back, unless records from there on are gone.
 *
 * @throws ServiceError `not_found`, `cancelled`, `unavailable`
 */
export async function settleRuns(runs: readonly AuditedRun[], settling: Settling): Promise<readonly SettledStep[]> {
  const { driver, settings, run } = settling
  const open = runs.filter((one): one is OpenRun => one.open !== undefined)
  if (open.length === 0) return []
  const progress = await driver.describe(settings.owner.topic, settings.owner.group)
  const found = await findRedriven(open, progress, settling)
  return open.map(({ begun, open: { letters, ends } }): SettledStep => {
    const places = letters.map(({ place }) => place)
    const missing = isKept(ends, progress) ? [] : places.filter((place) => !found.has(place))
    return {
      kind: 'settled',
      run,
      at: settings.clock.now(),
      settledRun: begun.run,
      found: places.filter((place) => found.has(place)),
      uncertain: missing,
    }
  })
}

/** The places of letters that their topic holds messages of. */
async function findRedriven(
  open: readonly OpenRun[],
  progress: readonly PartitionProgress[],
  { driver, settings }: Settling,
): Promise<ReadonlySet<string>> {
  const { owner, timeoutMs, signal } = settings
  const prefix = `${deadLetterTopic(owner.topic, owner.group)}/`
  const found = new Set<string>()
  const look = ({ headers }: ReceivedRecord) => {
    const position = headerText(headers, redriveLetterHeader)
    if (position?.startsWith(prefix) === true) found.add(position.slice(prefix.length))
  }
  const ranges = new Map(
    progress.map(({ partition, earliestOffset }) => {
      // To the end, also where that is hidden from who described it.
      const ends = open.map((run) => run.open.ends[partition] ?? 0)
      return [partition, { fromOffset: Math.max(earliestOffset, Math.min(...ends)), toOffset: Number.MAX_SAFE_INTEGER }]
    }),
  )
  const isWhole = await readRanges(driver, { topic: owner.topic, ranges, isWhole: true, timeoutMs, signal }, look)
  requireGoingOn(signal)
  if (!isWhole) throw new ServiceError('unavailable', `topic ${owner.topic} could not be read to its end`)
  return found
}

/** Whether all records are still there that came since. */
function isKept(ends: IntendedStep['ends'], progress: readonly PartitionProgress[]): boolean {
  return progress.every(({ partition, earliestOffset, nextOffset }) => {
    const end = ends[partition] ?? 0
    return earliestOffset <= end && end <= nextOffset
  })
}
