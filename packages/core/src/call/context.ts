import { AsyncLocalStorage } from 'node:async_hooks'
import type { Call } from './call.ts'

const storage = new AsyncLocalStorage<Call>()

/** The call that the running code belongs to, or undefined outside of any; also inside every step of a stream. */
export function currentCall(): Call | undefined {
  return storage.getStore()
}

/** Runs a function as part of a call. */
export function runInCall<Argument, Result>(
  call: Call,
  run: (argument: Argument) => Result,
  argument: Argument,
): Result {
  return storage.run(call, run, argument)
}
