import { AsyncLocalStorage } from 'node:async_hooks'
import type { Call } from './call.ts'
import type { Gate } from './gate.ts'
import type { Criticality } from './overload/criticality.ts'
import { runInTrace, type TraceContext } from '../telemetry/trace.ts'

/** A call as the code around handlers sees it. */
export interface AmbientCall extends Call {
  /** Names of the metadata that outgoing calls and messages inherit. */
  readonly forwarded: readonly string[]
  /** What outgoing calls inherit of it. */
  readonly criticality: Criticality | undefined
  /** What spans made for it are a part of; undefined without an OpenTelemetry SDK. */
  readonly trace?: TraceContext | undefined
  /** Where work is counted that the service waits for when it drains. */
  readonly gate: Gate
  /** Whether it was answered. @defaultValue false */
  readonly hasEnded?: boolean
}

const storage = new AsyncLocalStorage<AmbientCall>()

/** The call that the running code belongs to, or undefined outside of any; also inside every step of a stream. */
export function currentCall(): Call | undefined {
  return storage.getStore()
}

/** As `currentCall()`. */
export function ambientCall(): AmbientCall | undefined {
  return storage.getStore()
}

/** Runs a function as part of a call. */
export function runInCall<Argument, Result>(
  call: AmbientCall,
  run: (argument: Argument) => Result,
  argument: Argument,
): Result {
  const { trace } = call
  if (trace === undefined) return storage.run(call, run, argument)
  return runInTrace(trace, () => storage.run(call, run, argument))
}
