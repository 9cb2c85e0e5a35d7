import { Newest, persist, type Try } from '@tenon/core/registry'
import { linkedAbort } from './linked-abort.ts'

export interface Following<Value> {
  /** Is done again when it ends or fails, until nobody reads any more. */
  follow(put: (value: Value) => void, one: Try): Promise<void>
  readonly signal: AbortSignal
  readonly onTrouble: ((error: Error) => void) | undefined
}

/** The newest of the values that following something gives, until the signal fires or its reader leaves. */
export async function* followNewest<Value>({ follow, signal, onTrouble }: Following<Value>): AsyncGenerator<Value> {
  const newest = new Newest<Value>()
  const { controller, unlink } = linkedAbort(signal)
  const following = persist((one) => follow((value) => newest.put(value), one), {
    signal: controller.signal,
    onTrouble,
  })
  try {
    yield* newest.read(signal)
  } finally {
    controller.abort()
    unlink()
    await following
  }
}
