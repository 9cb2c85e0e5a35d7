import { Newest } from '../../registry/newest.ts'
import type { LiveSetting } from './live-setting.ts'

/** Values that change together, and who listens to them. */
export class LiveValues<All> {
  readonly #listeners = new Set<() => void>()
  readonly #ending = new AbortController()
  readonly #failed: (error: unknown) => void
  #current: All

  /** @param failed Told what a listener threw. */
  constructor(current: All, failed: (error: unknown) => void) {
    this.#current = current
    this.#failed = failed
  }

  get current(): All {
    return this.#current
  }

  /** Puts new values in force, and tells those who listen. */
  put(values: All): void {
    if (this.#ending.signal.aborted) return
    this.#current = values
    for (const tell of this.#listeners) tell()
  }

  /** What of all values one is, as it is and as it becomes. */
  live<Value>(pick: (all: All) => Value): LiveSetting<Value> {
    const current = () => pick(this.#current)
    const onChange = (listener: (value: Value) => void) => this.#listen(current, listener)
    const { signal } = this.#ending
    return Object.freeze({
      get current() {
        return current()
      },
      onChange,
      async *[Symbol.asyncIterator]() {
        const newest = new Newest<Value>()
        newest.put(current())
        const listening = onChange((value) => newest.put(value))
        try {
          yield* newest.read(signal)
        } finally {
          listening[Symbol.dispose]()
        }
      },
    })
  }

  /** Nothing changes any more, and nobody is told. Safe to call twice. */
  end(): void {
    this.#listeners.clear()
    this.#ending.abort()
  }

  #listen<Value>(current: () => Value, listener: (value: Value) => void): Disposable {
    let told = current()
    const tell = () => {
      const value = current()
      if (Object.is(value, told)) return
      told = value
      this.#call(listener, value)
    }
    if (!this.#ending.signal.aborted) this.#listeners.add(tell)
    return { [Symbol.dispose]: () => void this.#listeners.delete(tell) }
  }

  #call<Value>(listener: (value: Value) => unknown, value: Value): void {
    try {
      const result = listener(value)
      if (result instanceof Promise) result.catch(this.#failed)
    } catch (error) {
      this.#failed(error)
    }
  }
}
