import type { ProduceBound } from '../queue-driver.ts'

/** Does work with a signal that fires when its time is up, or when the given one does. Leaves no listener behind. */
export async function inTime<T>(
  { timeoutMs, signal }: ProduceBound,
  work: (over: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController()
  const end = () => over.abort()
  const timer = setTimeout(end, timeoutMs)
  signal?.addEventListener('abort', end, { once: true })
  if (signal?.aborted) end()
  try {
    return await work(over.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', end)
  }
}
