/** How long idle connections are kept, and how they are ended. */
export interface IdleTime {
  /** What callers are told, by `Keep-Alive: timeout` in whole seconds. Never 0, with which Node would tell nothing and keep them for ever. */
  readonly toldMs: number
  /** How much longer they are kept than callers are told. */
  readonly untoldMs: number
  /** How long after callers were first asked to leave the server begins to close idle connections; 0 where only a drain does. */
  readonly servedMs: number
}

/**
 * A caller that goes by what it is told has left its idle connections a while before the server closes them. These are closed while
 * calls are still served, so that what comes on others in that very moment is answered.
 */
export function toIdleTime(keepAliveTimeoutMs: number, deregisterDelayMs = 0): IdleTime {
  const toldMs =
    deregisterDelayMs > 0 ? Math.min(keepAliveTimeoutMs, Math.max(1, deregisterDelayMs - leadMs)) : keepAliveTimeoutMs
  return {
    toldMs,
    untoldMs: keepAliveTimeoutMs - toldMs + bufferMs,
    servedMs: deregisterDelayMs - Math.min(lastMs, deregisterDelayMs * lastShare),
  }
}

/** A guess: how much earlier callers are to leave, for they count in seconds and from when they had the reply. */
const leadMs = 1_000

/** @see Node, server.keepAliveTimeoutBuffer: the same */
const bufferMs = 1_000

/** A guess: how long before the end of the delay idle connections are closed. Longer than a busy event loop stands still. */
const lastMs = 500

/** A guess: as much for a delay of 5 s. The longer idle connections are served, the more callers are told on them to leave. */
const lastShare = 0.1
