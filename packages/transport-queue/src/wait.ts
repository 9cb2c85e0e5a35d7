/** Time as the queue sees it; tests put their own in its place. */
export interface QueueClock {
  /** Epoch milliseconds. */
  now(): number
  /** Resolves after the time, or at once when the signal fires. */
  wait(durationMs: number, signal: AbortSignal): Promise<void>
}

export const systemClock: QueueClock = { now: () => Date.now(), wait }

/** Resolves after the time, or at once when the signal fires. Leaves no listener behind. */
export function wait(durationMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, durationMs)
    signal.addEventListener('abort', end, { once: true })
  })
}

/** What the work comes to, unless it takes too long. @throws Error with the message, when it does. */
export function within<T>(work: Promise<T>, timeoutMs: number, message: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(message)), timeoutMs)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** What the work comes to, or the signal's reason as soon as it fires. Leaves no listener behind. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const giveUp = () => reject(signal.reason)
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

/**
 * What the first of some waits comes to. The others are told to end then, and all are when the signal fires; whoever is told so comes to its
 * end soon. Leaves no listener behind.
 */
export async function firstOf<T>(
  waits: readonly ((over: AbortSignal) => Promise<T>)[],
  signal: AbortSignal,
): Promise<T> {
  const over = new AbortController()
  const end = () => over.abort()
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  try {
    return await Promise.race(waits.map((begin) => begin(over.signal)))
  } finally {
    end()
    signal.removeEventListener('abort', end)
  }
}

/** Does the work, and something else as soon as the signal fires before the work is done. Leaves no listener behind. */
export async function whileCuttable(work: () => Promise<void>, signal: AbortSignal, cut: () => void): Promise<void> {
  if (signal.aborted) cut()
  signal.addEventListener('abort', cut, { once: true })
  try {
    await work()
  } finally {
    signal.removeEventListener('abort', cut)
  }
}
