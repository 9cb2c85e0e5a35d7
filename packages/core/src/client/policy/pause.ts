import type { PolicyTimer } from './policy-timer.ts'

interface Ending {
  readonly after: PolicyTimer
  /** Each ends the wait when it fires. */
  readonly signals: readonly (AbortSignal | undefined)[]
  /** Ends it too when it resolves. */
  readonly awaited?: Promise<void> | undefined
}

/** Lets time pass, less of it where a signal fires or what is awaited comes. */
export function pause(delayMs: number, { after, signals, awaited }: Ending): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      stop()
      for (const signal of signals) signal?.removeEventListener('abort', finish)
      resolve()
    }
    const stop = after(delayMs, finish)
    for (const signal of signals) signal?.addEventListener('abort', finish, { once: true })
    if (signals.some((signal) => signal?.aborted)) finish()
    void awaited?.then(finish)
  })
}
