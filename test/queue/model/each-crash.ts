import { CrashPoint } from './crash-point.ts'

export interface EachCrashOptions {
  /** How many calls lie between two that are tried: 1 tries each. */
  readonly strideCount: number
  /** How many runs are played at a time. @defaultValue 1 */
  readonly parallelCount?: number
}

/**
 * Plays a run for each call that is made in it, in which a process dies before that call, and again in which it dies after it. How many of
 * these crashes there were.
 *
 * @throws Error that names the crash of the first run that failed
 */
export async function forEachCrash(
  play: (crash: CrashPoint) => Promise<void>,
  { strideCount, parallelCount = 1 }: EachCrashOptions,
): Promise<number> {
  let crashCount = 0
  for (const side of ['before', 'after'] as const) {
    let callNumber = 0
    let isOver = false
    const work = async () => {
      while (!isOver) {
        const crash = new CrashPoint({ callNumber: (callNumber += strideCount), side })
        await play(crash).catch((error: unknown) => Promise.reject(toCrashError(error, crash)))
        if (crash.wasReached) crashCount += 1
        else isOver = true
      }
    }
    await Promise.all(Array.from({ length: parallelCount }, work))
  }
  return crashCount
}

function toCrashError(cause: unknown, crash: CrashPoint): Error {
  const text = cause instanceof Error ? cause.message : String(cause)
  return new Error(`${text}\nin the run that dies ${crash.side} its call ${crash.callNumber}`, { cause })
}
