import type { Call } from '../../call/call.ts'
import { defineSchedule } from '../define-handler.ts'
import { cron } from './cron.ts'
import { every } from './every.ts'
import { Runs } from './runs.ts'
import type { ScheduledRun } from './timing.ts'

// What fits.
export class Fitting {
  @Runs('nothing', every('5 m')) nothing() {}
  @Runs('run', every(1_000)) run({ dueAt }: ScheduledRun) {
    return dueAt
  }
  @Runs('both', cron('0 3 * * *', { timeZone: 'Europe/Berlin', overlap: 'queue' }))
  async both({ missedCount }: ScheduledRun, { signal }: Call) {
    signal.throwIfAborted()
    return missedCount
  }
}
defineSchedule('tidy', every('1 h', { jitterMs: 1_000 }), () => ({ dueAt }, call) => [dueAt, call.id])

export class Misfits {
  // @ts-expect-error -- a run is told when it was due, and is given no text
  @Runs('text', every('5 m')) text(run: string) {
    return run
  }
  // @ts-expect-error -- a run has a Call and nothing more
  @Runs('more', every('5 m')) more(run: ScheduledRun, call: Call, more: string) {
    return [run, call, more]
  }
}

// @ts-expect-error -- the unit is a short one
every('5 minutes')
// @ts-expect-error -- nothing is said of the moments
Runs('tidy', '5 m')
// @ts-expect-error -- there is no such option
cron('0 3 * * *', { timezone: 'Europe/Berlin' })
