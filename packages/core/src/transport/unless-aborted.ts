/** What the work comes to, or undefined as soon as the signal fires, whatever becomes of the work then. Leaves no listener behind. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) {
    work.catch(() => undefined)
    return Promise.resolve(undefined)
  }
  return new Promise((resolve, reject) => {
    const giveUp = () => resolve(undefined)
    const done = () => signal.removeEventListener('abort', giveUp)
    signal.addEventListener('abort', giveUp, { once: true })
    work.then(resolve, reject).finally(done)
  })
}
