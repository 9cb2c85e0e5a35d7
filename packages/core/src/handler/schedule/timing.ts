/**
 * What becomes of a moment at which a run of the schedule still works: `skip` leaves it out; `queue` lets one run wait for the end of
 * those before it, and leaves out what comes meanwhile; `parallel` begins another beside it.
 */
export type Overlap = 'skip' | 'queue' | 'parallel'

/** How a schedule runs, whatever its moments are. */
export interface ScheduleOptions {
  /** @defaultValue `skip` */
  readonly overlap?: Overlap
  /**
   * Longest time by which a run begins later than its moment, another one each time, so that the processes of a service do not all
   * begin at once. Where the next moment comes sooner, it is the time until then.
   *
   * @defaultValue 0
   * @remarks Range 0–3_600_000 ms; with `every()` at most its interval
   */
  readonly jitterMs?: number
  /**
   * Longest time of a run; its deadline.
   *
   * @defaultValue the service's `callTimeoutMs`
   * @remarks Range 1–86_400_000 ms
   */
  readonly timeoutMs?: number
}

/** The options of a schedule with their defaults filled in. */
export interface ScheduleSettings {
  readonly overlap: Overlap
  readonly jitterMs: number
  /** Undefined for that of the service. */
  readonly timeoutMs: number | undefined
}

/** What is used where an option of a schedule is left out. */
export const scheduleDefaults = Object.freeze({
  overlap: 'skip',
  jitterMs: 0,
  timeZone: 'UTC',
} satisfies { readonly overlap: Overlap; readonly jitterMs: number; readonly timeZone: string })

/** When a schedule runs, and how. Made by `every()` and `cron()`. */
export interface Timing {
  /** For people: `every 5 m`, `cron 0 3 * * * (Europe/Berlin)`. */
  readonly text: string
  /** On which clock its moments are: one that only goes on (`performance.now()`), or that of the day (`Date.now()`). */
  readonly clock: 'steady' | 'wall'
  readonly settings: ScheduleSettings
  /** What was expected and what was found, each in a line; a service with such a schedule does not start. */
  readonly problems: readonly string[]
  /**
   * The moments of a schedule that begins now, on its clock.
   *
   * @returns What gives the first moment after another one; `Infinity`, or one that is not after it, ends the schedule.
   */
  momentsFrom(beginMs: number): (afterMs: number) => number
}

/** What a run is told. */
export interface ScheduledRun {
  /** The moment it was due, in epoch milliseconds; with jitter it begins later. */
  readonly dueAt: number
  /** How many moments before this one passed without a run since the last run, for the process slept or was too busy. They are not made up for. */
  readonly missedCount: number
}
