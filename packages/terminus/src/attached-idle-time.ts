import type { Server } from 'node:http'
import { type IdleTime, toIdleTime } from '@tenon/core/transport'

/** What holds for a server until it is disposed: it tells callers then what the team has set. */
export interface AttachedIdleTime extends Pick<IdleTime, 'servedMs'>, Disposable {}

/**
 * Lets the server tell its callers, by `Keep-Alive: timeout`, to leave idle connections before the delay is over. It keeps them for
 * as long as the team has set.
 */
export function tellIdleTime(server: Server, deregisterDelayMs = 0): AttachedIdleTime {
  const { keepAliveTimeout, keepAliveTimeoutBuffer } = server
  // With 0 Node keeps them for ever, and tells nothing.
  const keptMs = keepAliveTimeout > 0 ? keepAliveTimeout + keepAliveTimeoutBuffer : longestTimerMs
  const { toldMs, servedMs } = toIdleTime(keepAliveTimeout > 0 ? keepAliveTimeout : longestTimerMs, deregisterDelayMs)
  if (deregisterDelayMs > 0)
    Object.assign(server, { keepAliveTimeout: toldMs, keepAliveTimeoutBuffer: keptMs - toldMs })
  return { servedMs, [Symbol.dispose]: () => void Object.assign(server, { keepAliveTimeout, keepAliveTimeoutBuffer }) }
}

/** 25 days. @see Node, setTimeout */
const longestTimerMs = 2 ** 31 - 1
