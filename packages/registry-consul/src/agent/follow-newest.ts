import { Newest, persist, type Try } from '@tenon/core/registry'
import { linkedAbort } from './linked-abort.ts'

/** Takes a value. One that is the last one all the same is handed on only where it `isAnew`. */
export type Give<Value> = (value: Value, isAnew?: boolean) => void

export interface Following<Value> {
  /** Is done again when it ends or fails, until nobody reads any more. */
  follow(give: Give<Value>, one: Try): Promise<void>
  readonly signal: AbortSignal
  readonly onTrouble: ((error: Error) => void) | undefined
}

/**
 * The newest of the values that following something gives, until the signal fires or its reader leaves. After an outage the value is
 * handed on again, changed or not: once, when the other side has answered all that is asked of it.
 */
export async function* followNewest<Value>({ follow, signal, onTrouble }: Following<Value>): AsyncGenerator<Value> {
  const newest = new Newest<Value>()
  const { controller, unlink } = linkedAbort(signal)
  let last: { readonly value: Value } | undefined
  const tryOnce = (one: Try) => {
    let isOwed = true
    const give: Give<Value> = (value, isAnew = false) => {
      if (last && last.value === value && !isAnew) return
      last = { value }
      isOwed = false
      newest.put(value)
    }
    const succeeded = () => {
      one.succeeded()
      if (isOwed && last) give(last.value, true)
    }
    return follow(give, { signal: one.signal, succeeded })
  }
  const following = persist(tryOnce, { signal: controller.signal, onTrouble })
  try {
    yield* newest.read(signal)
  } finally {
    controller.abort()
    unlink()
    await following
  }
}
