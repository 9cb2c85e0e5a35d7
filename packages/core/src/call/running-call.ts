import { randomUUID } from 'node:crypto'
import type { OperationKind } from '../contract/operation.ts'
import { ServiceError } from '../error/service-error.ts'
import type { Logger } from '../telemetry/log.ts'
import type { ObservedCall } from '../telemetry/observed-call.ts'
import type { TraceContext } from '../telemetry/trace.ts'
import type { Arrival } from './arrival.ts'
import type { Metadata, Principal } from './call.ts'
import { callFields } from './call-log.ts'
import { CallWork } from './call-work.ts'
import type { AmbientCall } from './context.ts'
import type { Gate } from './gate.ts'
import { type Criticality, criticalityName, toCriticality } from './overload/criticality.ts'

/** What a running call is told by the operation it belongs to. */
export interface CallFacts {
  readonly id: string
  /** @defaultValue no stream */
  readonly kind?: OperationKind
  readonly timeoutMs: number | undefined
  /** Of calls whose caller does not say. @defaultValue none */
  readonly criticality?: Criticality | undefined
  readonly log: Logger
  /** Names of the metadata that outgoing calls and messages inherit. */
  readonly forwarded: readonly string[]
}

/**
 * How long before the end of the time it announced a caller is taken to leave because that time is over, but no more than half of
 * it. Its clock began before ours did: by the way of the request, and by a connection that was opened for it. A guess: within a
 * cluster that takes a few milliseconds.
 */
const leaveMarginMs = 25

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
  /** What the caller said it would wait. */
  readonly #announcedMs: number | undefined
  principal: Principal | undefined
  /** Told when the call ends; undefined without an OpenTelemetry SDK. */
  observed: ObservedCall | undefined = undefined
  headers: Record<string, string> | undefined = undefined
  trailers: Record<string, string> | undefined = undefined
  readonly #facts: CallFacts
  #id: string | undefined
  #log: Logger | undefined
  #deadlineAt: number | undefined
  #controller: AbortController | undefined
  #unfollow: (() => void) | undefined
  #endedBy: ServiceError | undefined
  #hasEnded = false
  #work: CallWork | undefined

  constructor(facts: CallFacts, arrival: Arrival, gate: Gate) {
    this.arrival = arrival
    this.gate = gate
    this.principal = arrival.principal
    this.#facts = facts
    const announcedMs = arrival.timeoutMs
    this.#announcedMs = announcedMs
    const timeoutMs = smaller(facts.timeoutMs, announcedMs)
    this.endsAtMs = timeoutMs === undefined ? undefined : this.startedAtMs + timeoutMs
  }

  get trace(): TraceContext | undefined {
    return this.observed?.context
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

  get peer(): string | undefined {
    return this.arrival.peer
  }

  /** What the caller says, or else the operation. */
  get criticality(): Criticality | undefined {
    return toCriticality(this.arrival.metadata[criticalityName]) ?? this.#facts.criticality
  }

  get attempt(): number {
    return this.arrival.attempt ?? 1
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Why nothing is begun for it any more: what it ended with, `cancelled` when that was an output. Undefined while it runs. */
  get refusal(): ServiceError | undefined {
    return this.#hasEnded ? (this.#endedBy ?? new ServiceError('cancelled', 'the call has ended')) : undefined
  }

  get isOutputStream(): boolean {
    const { kind } = this.#facts
    return kind === 'server_stream' || kind === 'bidi_stream'
  }

  /** What goes on for it; only interceptors note anything there. */
  get work(): CallWork {
    this.#work ??= new CallWork()
    return this.#work
  }

  get isWorkLeft(): boolean {
    return this.#work !== undefined && !this.#work.isIdle
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
    const key = toHeaderName(name, value)
    this.headers ??= {}
    this.headers[key] = value
  }

  setTrailer(name: string, value: string): void {
    const key = toHeaderName(name, value)
    this.trailers ??= {}
    this.trailers[key] = value
  }

  /** What the call ends with when its caller leaves: about when its time is over, that is why. */
  callerGone(): ServiceError {
    const announcedMs = this.#announcedMs ?? Number.POSITIVE_INFINITY
    const leftMs = this.startedAtMs + announcedMs - performance.now()
    if (leftMs > Math.min(leaveMarginMs, announcedMs / 2)) return new ServiceError('cancelled', 'the caller is gone')
    return new ServiceError('deadline_exceeded', 'the caller waited no longer')
  }

  /** Marks the call as over; with an error, work that still runs is told through the signal. */
  end(error?: ServiceError): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#unfollow?.()
    this.observed?.end(error)
    if (error === undefined) return
    this.#endedBy = error
    this.#controller?.abort(error)
  }

  /** Tells what is left of a call that ended with an output that it must end too. One that ended with an error told it then. */
  cut(error: ServiceError): void {
    if (this.#endedBy !== undefined) return
    this.#endedBy = error
    this.#controller?.abort(error)
  }

  /** Closes what was left open for it and runs when the work for it has ended; at once when there is none. */
  afterWork(run: () => void): void {
    if (this.#work === undefined) return run()
    this.#work.closeAll()
    this.#work.whenIdle(run)
  }

  #followCaller(controller: AbortController): void {
    const caller = this.arrival.signal
    if (caller === undefined) return
    const gone = () => controller.abort(this.callerGone())
    if (caller.aborted) return gone()
    caller.addEventListener('abort', gone, { once: true })
    this.#unfollow = () => caller.removeEventListener('abort', gone)
  }
}

/** @throws TypeError for a name or value that no header may have. */
function toHeaderName(name: string, value: string): string {
  const key = name.toLowerCase()
  if (!headerName.test(key)) throw new TypeError(`expected a header name, found ${JSON.stringify(name)}`)
  if (!headerValue.test(value)) throw new TypeError(`expected a header value of one line of text for ${key}`)
  return key
}

/** What is no number, as a broken peer may send it, is no limit. */
function smaller(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined) return Number.isNaN(other) ? undefined : other
  return other === undefined || Number.isNaN(other) ? one : Math.min(one, other)
}
