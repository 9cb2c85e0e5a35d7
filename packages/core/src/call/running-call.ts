import { randomUUID } from 'node:crypto'
import { ServiceError } from '../error/service-error.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Arrival } from './arrival.ts'
import type { Metadata, Principal } from './call.ts'
import { callFields } from './call-log.ts'
import type { AmbientCall } from './context.ts'
import type { Gate } from './gate.ts'

/** What a running call is told by the operation it belongs to. */
export interface CallFacts {
  readonly id: string
  readonly timeoutMs: number | undefined
  readonly log: Logger
  /** Names of the metadata that outgoing calls and messages inherit. */
  readonly forwarded: readonly string[]
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
export class RunningCall implements AmbientCall {
  readonly arrival: Arrival
  readonly gate: Gate
  /** On the clock of `performance.now()`, which nobody sets. */
  readonly startedAtMs = performance.now()
  /** As `startedAtMs`. */
  readonly endsAtMs: number | undefined
  principal: Principal | undefined
  headers: Record<string, string> | undefined = undefined
  readonly #facts: CallFacts
  #id: string | undefined
  #log: Logger | undefined
  #deadlineAt: number | undefined
  #controller: AbortController | undefined
  #unfollow: (() => void) | undefined
  #endedBy: ServiceError | undefined
  #hasEnded = false
  #workCount = 0
  #afterWork: (() => void) | undefined

  constructor(facts: CallFacts, arrival: Arrival, gate: Gate) {
    this.arrival = arrival
    this.gate = gate
    this.principal = arrival.principal
    this.#facts = facts
    const timeoutMs = smaller(facts.timeoutMs, arrival.timeoutMs)
    this.endsAtMs = timeoutMs === undefined ? undefined : this.startedAtMs + timeoutMs
  }

  get draining(): AbortSignal {
    return this.gate.draining
  }

  get deadlineAt(): number | undefined {
    if (this.endsAtMs !== undefined) this.#deadlineAt ??= Date.now() + this.endsAtMs - performance.now()
    return this.#deadlineAt
  }

  /** Whether the caller had given up before the call came. */
  get isExpired(): boolean {
    return this.endsAtMs !== undefined && this.endsAtMs <= this.startedAtMs
  }

  get forwarded(): readonly string[] {
    return this.#facts.forwarded
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

  /** What the call ended with, when that was an error. */
  get endedBy(): ServiceError | undefined {
    return this.#endedBy
  }

  get id(): string {
    if (this.#id === undefined) {
      const requested = this.arrival.metadata['x-request-id']
      this.#id = requested !== undefined && safeCallId.test(requested) ? requested : randomUUID()
    }
    return this.#id
  }

  get log(): Logger {
    this.#log ??= this.#facts.log.child(callFields(this))
    return this.#log
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController()
      this.#controller = controller
      if (this.#endedBy) controller.abort(this.#endedBy)
      else if (!this.#hasEnded) this.#followCaller(controller)
    }
    return this.#controller.signal
  }

  remainingMs(): number {
    return this.endsAtMs === undefined ? Number.POSITIVE_INFINITY : Math.max(0, this.endsAtMs - performance.now())
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
    this.#unfollow?.()
    if (error === undefined) return
    this.#endedBy = error
    this.#controller?.abort(error)
  }

  /** Notes work that goes on, whether or not anybody waits for it. */
  track(work: Promise<unknown>): void {
    const ended = () => {
      this.#workCount -= 1
      if (this.#workCount === 0) this.#afterWork?.()
    }
    this.#workCount += 1
    // Not `finally`, which makes two promises more and would need a `catch` as well.
    work.then(ended, ended)
  }

  /** Runs when the work that is tracked has ended; at once when there is none. */
  afterWork(run: () => void): void {
    if (this.#workCount === 0) run()
    else this.#afterWork = run
  }

  #followCaller(controller: AbortController): void {
    const caller = this.arrival.signal
    if (caller === undefined) return
    const gone = () => controller.abort(new ServiceError('cancelled', 'the caller is gone'))
    if (caller.aborted) return gone()
    caller.addEventListener('abort', gone, { once: true })
    this.#unfollow = () => caller.removeEventListener('abort', gone)
  }
}

/** What is no number, as a broken peer may send it, is no limit. */
function smaller(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined) return Number.isNaN(other) ? undefined : other
  return other === undefined || Number.isNaN(other) ? one : Math.min(one, other)
}
