import { ServiceError } from '@tenon/core/transport'

/** Whether SQLite could not go on because somebody else holds the file; a later try may succeed. */
export function isLocked(error: unknown): boolean {
  return lockedCodes.has(primaryCodeOf(error))
}

/** SQLite's word for what went wrong; undefined for an error that is not its own. */
export function sqliteReason(error: unknown): string | undefined {
  if (primaryCodeOf(error) < 0) return undefined
  return error instanceof Error ? error.message : undefined
}

/**
 * What a caller is told of a failed statement: `unavailable` for what another try or a free disk mends, else `internal`. Where
 * the file lies stays in the cause.
 */
export function toQueueError(error: unknown): ServiceError {
  if (ServiceError.is(error)) return error
  if (mendingCodes.has(primaryCodeOf(error)))
    return new ServiceError('unavailable', 'the queue file could not be written', { cause: error })
  return new ServiceError('internal', 'the queue file refused', { cause: error })
}

/** The code that connecting tells apart. */
export function isNoDatabase(error: unknown): boolean {
  return primaryCodeOf(error) === 26
}

/** @see SQLite documentation, "Result and Error Codes": busy, locked, protocol */
const lockedCodes: ReadonlySet<number> = new Set([5, 6, 15])
/** Those, and out of memory, input or output, full disk. */
const mendingCodes: ReadonlySet<number> = new Set([...lockedCodes, 7, 10, 13])

/** The lower eight bits of an extended code; -1 when there is none. */
function primaryCodeOf(error: unknown): number {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'errcode') : undefined
  return typeof code === 'number' ? code & 0xff : -1
}
