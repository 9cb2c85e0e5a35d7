import type { Provider } from './provider.ts'
import { withTimeLimit } from './time-limit.ts'

/** Something that was made, and what its provider says about its end. */
export interface Made {
  readonly name: string
  readonly value: unknown
  readonly dispose: Provider['dispose']
}

/** What is to be released, in reverse order of its making. */
export class ReleaseList {
  readonly #entries: { name: string; value: unknown; dispose: Provider['dispose'] }[] = []
  /** Also what was released already: an object is released once, however many providers gave it. */
  readonly #known = new WeakMap<object, { dispose: Provider['dispose'] }>()

  /** An object that is known already keeps its place, and takes the function to release it if it had none. */
  add(made: Made): void {
    const known = isObject(made.value) ? this.#known.get(made.value) : undefined
    if (known) {
      known.dispose ??= made.dispose
      return
    }
    const entry = { ...made }
    this.#entries.push(entry)
    if (isObject(made.value)) this.#known.set(made.value, entry)
  }

  /**
   * Releases everything within the time, and gathers what failed. Each may take its even part of what is left, so that one
   * that hangs keeps none of the others from it.
   */
  async release(timeoutMs: number): Promise<readonly Error[]> {
    const endsAtMs = performance.now() + timeoutMs
    const entries = this.#entries.splice(0).reverse()
    const failures: Error[] = []
    for (const [index, { name, value, dispose }] of entries.entries()) {
      const shareMs = Math.max(0, endsAtMs - performance.now()) / (entries.length - index)
      const tooLate = () => new Error(`no end within ${Math.round(shareMs)} ms`)
      try {
        await withTimeLimit((signal) => disposeOf(dispose, value, signal), { timeoutMs: shareMs, tooLate })
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause)
        failures.push(new Error(`${name} could not be disposed: ${reason}`, { cause }))
      }
    }
    return failures
  }
}

async function disposeOf(dispose: Provider['dispose'], value: unknown, signal: AbortSignal): Promise<void> {
  if (dispose) return void (await dispose(value, signal))
  if (typeof value !== 'object' || value === null) return
  const own: unknown = Reflect.get(value, Symbol.asyncDispose) ?? Reflect.get(value, Symbol.dispose)
  if (typeof own === 'function') await Reflect.apply(own, value, [])
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
