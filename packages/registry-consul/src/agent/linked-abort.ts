/** A controller that fires with a signal too. `unlink` it when it is not needed any more: the signal may live long. */
export function linkedAbort(signal: AbortSignal): { readonly controller: AbortController; unlink(): void } {
  const controller = new AbortController()
  const onAbort = () => controller.abort(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  return { controller, unlink: () => signal.removeEventListener('abort', onAbort) }
}
