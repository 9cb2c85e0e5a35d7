import { randomUUID } from 'node:crypto'
import { ServiceError } from '../error/service-error.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Arrival } from './arrival.ts'
import type { Call, Metadata, Principal } from './call.ts'

/** What a running call is told by the operation it belongs to. */
export interface CallFacts {
  readonly id: string
  readonly timeoutMs: number | undefined
  readonly log: Logger
}

/** What a caller may name a call; anything else could forge log lines. */
const safeCallId = /^[\w.:-]{1,128}$/

/** @see RFC 9110 section 5.6.2 (token) and 5.5 (field values) */
const headerName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * One call from its arrival to its outcome. What most handlers never ask for (id, signal, logger) is made when first asked
 * for, which keeps a call's own cost below a microsecond.
 */
export class RunningCall implements Call {
  readonly arrival: Arrival
  readonly draining: AbortSignal
  readonly deadlineAt: number | undefined
  principal: Principal | undefined = undefined
  headers: Record<string, string> | undefined = undefined
  readonly #facts: CallFacts
  #id: string | undefined
  #log: Logger | undefined
  #controller: AbortController | undefined
  #endedBy: ServiceError | undefined
  #hasEnded = false

  constructor(facts: CallFacts, arrival: Arrival, draining: AbortSignal) {
    this.arrival = arrival
    this.draining = draining
    this.#facts = facts
    const timeoutMs = smaller(facts.timeoutMs, arrival.timeoutMs)
    this.deadlineAt = timeoutMs === undefined ? undefined : Date.now() + timeoutMs
  }

  get operation(): string {
    return this.#facts.id
  }

  get transport(): string {
    return this.arrival.transport
  }

  get metadata(): Metadata {
    return this.arrival.metadata
  }

  get attempt(): number {
    return this.arrival.attempt ?? 1
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get id(): string {
    if (this.#id === undefined) {
      const requested = this.arrival.metadata['x-request-id']
      this.#id = requested !== undefined && safeCallId.test(requested) ? requested : randomUUID()
    }
    return this.#id
  }

  get log(): Logger {
    this.#log ??= this.#facts.log.child({ callId: this.id, operation: this.operation })
    return this.#log
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController()
      this.#controller = controller
      if (this.#endedBy) controller.abort(this.#endedBy)
      else this.#followCaller(controller)
    }
    return this.#controller.signal
  }

  remainingMs(): number {
    return this.deadlineAt === undefined ? Number.POSITIVE_INFINITY : Math.max(0, this.deadlineAt - Date.now())
  }

  setHeader(name: string, value: string): void {
    const key = name.toLowerCase()
    if (!headerName.test(key)) throw new TypeError(`expected a header name, found ${JSON.stringify(name)}`)
    if (!headerValue.test(value)) throw new TypeError(`expected a header value of one line of text for ${key}`)
    this.headers ??= {}
    this.headers[key] = value
  }

  /** Marks the call as over; with an error, work that still runs is told through the signal. */
  end(error?: ServiceError): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    if (error === undefined) return
    this.#endedBy = error
    this.#controller?.abort(error)
  }

  #followCaller(controller: AbortController): void {
    const caller = this.arrival.signal
    if (caller === undefined) return
    const gone = () => controller.abort(new ServiceError('cancelled', 'the caller is gone'))
    if (caller.aborted) gone()
    else caller.addEventListener('abort', gone, { once: true, signal: controller.signal })
  }
}

function smaller(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined) return other
  return other === undefined ? one : Math.min(one, other)
}
