import { backOffMs } from './back-off.ts'

export interface PersistOptions {
  readonly signal: AbortSignal
  /** Told of every failure but those that come when the signal has fired. */
  readonly onTrouble?: ((error: Error) => void) | undefined
  /** From 0 to below 1. @defaultValue `Math.random` */
  readonly random?: () => number
}

/** One try of work that is done again and again. */
export interface Try {
  readonly signal: AbortSignal
  /** To be called when the other side has answered: the next failure is the first one again. */
  succeeded(): void
}

/**
 * Does work until the signal fires: again at once where it has ended, and after a growing delay where it failed. Never rejects. For what
 * keeps a connection to a registry.
 */
export async function persist(work: (one: Try) => Promise<void>, options: PersistOptions): Promise<void> {
  const { signal, onTrouble, random = Math.random } = options
  let failureCount = 0
  const one: Try = { signal, succeeded: () => void (failureCount = 0) }
  while (!signal.aborted) {
    try {
      await work(one)
    } catch (error) {
      if (signal.aborted) return
      onTrouble?.(error instanceof Error ? error : new Error(String(error)))
      await pause(backOffMs(failureCount, { firstMs, longestMs, random }), signal)
      failureCount += 1
    }
  }
}

/** Guesses: a registry that is back is used within 2 s. */
const firstMs = 100
const longestMs = 2_000

/** Waits, or until the signal fires. Keeps no process alive. */
function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const end = () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
    resolve()
  }
  const timer = setTimeout(end, delayMs)
  timer.unref()
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  return promise
}
