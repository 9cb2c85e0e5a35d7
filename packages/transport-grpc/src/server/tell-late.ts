import type { Logger } from '@tenon/core/transport'
import type { GrpcSettings } from '../grpc-options.ts'

/** How often is told, as of connections that were refused. */
const tellIntervalMs = 60_000

/** Tells of calls whose request never arrived: at once, and then at most once a minute with how many there were since. */
export function tellLate(
  { requestTimeoutMs }: Pick<GrpcSettings, 'requestTimeoutMs'>,
  log: Logger,
): (count: number) => void {
  let lateCount = 0
  let toldAt = Number.NEGATIVE_INFINITY
  return (count) => {
    lateCount += count
    if (performance.now() - toldAt < tellIntervalMs) return
    log.warn({ requestTimeoutMs, lateCount }, 'calls whose request did not arrive within requestTimeoutMs are ended')
    toldAt = performance.now()
    lateCount = 0
  }
}
