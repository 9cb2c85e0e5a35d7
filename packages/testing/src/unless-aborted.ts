/** What the work comes to, or undefined as soon as the signal fires. Leaves no listener behind. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const giveUp = () => resolve(undefined)
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    // Gone first: who has left takes no answer, even one that is there.
    return await Promise.race([promise, work])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
