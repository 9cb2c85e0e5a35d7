import type { ServiceError } from '../error/service-error.ts'
import type { Call, Metadata, Principal } from './call.ts'
import { type AmbientCall, ambientCall, runInCall } from './context.ts'
import type { Cuttable, Gate } from './gate.ts'

/**
 * Starts work that outlives the running call: inside it `currentCall()` still gives the call's id, trace and metadata, but no
 * deadline, and a signal that fires only when the service cuts off what is left at the end of its drain. A drain waits for it.
 * A failure is logged.
 *
 * @throws TypeError outside of any call, where there is nothing to outlive.
 */
export function detach(work: (call: Call) => unknown): void {
  const call = ambientCall()
  if (call === undefined) throw new TypeError('detach() was called outside of any call')
  const detached = new DetachedCall(call)
  call.gate.enter(detached)
  void runInCall(detached, finish, { detached, work })
}

interface DetachedWork {
  readonly detached: DetachedCall
  readonly work: (call: Call) => unknown
}

async function finish({ detached, work }: DetachedWork): Promise<void> {
  try {
    await work(detached)
  } catch (error) {
    detached.log.error({ err: error }, `work detached from ${detached.operation} failed`)
  } finally {
    detached.gate.leave(detached)
  }
}

/** What detached work sees of the call it came from. */
class DetachedCall implements AmbientCall, Cuttable {
  readonly id: string
  readonly operation: string
  readonly transport: string
  readonly draining: AbortSignal
  readonly deadlineAt = undefined
  readonly endsAtMs = undefined
  readonly metadata: Metadata
  readonly peer: string | undefined
  readonly principal: Principal | undefined
  readonly attempt: number
  readonly log: Call['log']
  readonly forwarded: readonly string[]
  readonly criticality: AmbientCall['criticality']
  readonly trace: AmbientCall['trace']
  readonly gate: Gate
  place = 0
  readonly #controller = new AbortController()

  constructor(call: AmbientCall) {
    this.id = call.id
    this.operation = call.operation
    this.transport = call.transport
    this.draining = call.draining
    this.metadata = call.metadata
    this.peer = call.peer
    this.principal = call.principal
    this.attempt = call.attempt
    this.log = call.log
    this.forwarded = call.forwarded
    this.criticality = call.criticality
    this.trace = call.trace
    this.gate = call.gate
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  remainingMs(): number {
    return Number.POSITIVE_INFINITY
  }

  /** The reply is gone, or not this work's to change. */
  setHeader(): void {
    throw new TypeError('detached work has no reply to set a header of')
  }

  /** As `setHeader`. */
  setTrailer(): void {
    throw new TypeError('detached work has no reply to set a trailer of')
  }

  cut(error: ServiceError): void {
    this.#controller.abort(error)
    // Work that ignores the signal must not hold the process: the deadline of the drain has come.
    this.gate.leave(this)
  }
}
