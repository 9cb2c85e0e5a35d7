import { AsyncLocalStorage } from 'node:async_hooks'
import { ServiceError } from '../error/service-error.ts'
import type { Failure, Outcome, Success } from './arrival.ts'
import { toCallError } from './call-error.ts'
import { logLateFailure, logOutcome } from './call-log.ts'
import type { CallPath } from './call-plan.ts'
import type { Cuttable } from './gate.ts'
import { tenantName } from './overload/criticality.ts'
import type { OperationLoad } from './overload/operation-load.ts'
import type { AskingCall } from './overload/overload-control.ts'
import { refusal } from './overload/refusal.ts'
import type { InputStream } from './stream/input-stream.ts'
import type { Limiter, Ticket } from './rule/limiter.ts'
import { OutputStream } from './stream/output-stream.ts'
import type { RunningCall } from './running-call.ts'

/** A call with its caller waiting for the outcome. The first outcome counts, later ones are too late to be told. */
export class DispatchedCall implements Cuttable, AskingCall {
  readonly running: RunningCall
  readonly path: CallPath
  place = 0
  input: InputStream | undefined = undefined
  readonly #resolve: (outcome: Outcome) => void
  #tickets: Ticket[] | undefined
  #output: OutputStream | undefined
  #isWorking = true
  #returned: (() => void) | undefined
  /** While it waits for its turn. */
  #begin: ((call: DispatchedCall) => void) | undefined
  #unlisten: (() => void) | undefined
  /** Where it counts as one that runs. */
  #load: OperationLoad | undefined
  #beganAtMs = 0
  /** Whether how long it took is how long such calls take: not when it was refused or given up. */
  #isWhole = false

  constructor(running: RunningCall, path: CallPath, resolve: (outcome: Outcome) => void) {
    this.running = running
    this.path = path
    this.#resolve = resolve
  }

  get endsAtMs(): number | undefined {
    return this.running.endsAtMs
  }

  get startedAtMs(): number {
    return this.running.startedAtMs
  }

  get operation(): string {
    return this.path.id
  }

  get transport(): string {
    return this.running.transport
  }

  get rank(): number {
    return this.path.load?.rankOf(this.running.criticality) ?? 0
  }

  get tenant(): string {
    return this.running.metadata[tenantName] ?? ''
  }

  get holdsPlace(): boolean {
    return this.path.load?.holdsPlace === true && !this.isPatient
  }

  get isPatient(): boolean {
    const { isTrusted, isAccepted } = this.running.arrival
    return isTrusted === true || isAccepted === true
  }

  /** Whether it may begin at once. */
  takesTurn(load: OperationLoad): boolean {
    if (!load.takes(this)) return false
    if (this.holdsPlace) this.#load = load
    this.#beganAtMs = this.running.startedAtMs
    return true
  }

  /** Begins when its turn comes, unless it ends before. */
  waitTurn(load: OperationLoad, begin: (call: DispatchedCall) => void): void {
    const { signal } = this.running
    if (signal.aborted) {
      this.fail(toCallError(signal.reason, this.running))
      return this.returned()
    }
    this.#begin = begin
    load.wait(this)
  }

  /** What surrounds it now is to surround it then, as a trace does that is active. A caller that leaves meanwhile gives up its place to others. */
  waits(): void {
    if (this.#begin) this.#begin = AsyncLocalStorage.bind(this.#begin)
    const { signal } = this.running
    const gone = () => {
      if (!this.running.hasEnded) this.fail(toCallError(signal.reason, this.running))
    }
    this.#unlisten = () => signal.removeEventListener('abort', gone)
    signal.addEventListener('abort', gone, { once: true })
  }

  begin(): void {
    const begin = this.#begin
    this.#waitNoMore()
    if (this.holdsPlace) this.#load = this.path.load
    this.#beganAtMs = performance.now()
    begin?.(this)
  }

  /** There is too much to do. */
  refuse(): void {
    this.#waitNoMore()
    this.#finish(refusal)
    this.#resolve(new Failed(refusal, this.running))
    // Counted and told of as a whole: in an overload a line for each would cost more than it does to refuse them.
    if (this.path.loggedCalls === 'all') logOutcome(this.running, this.path, refusal)
  }

  /**
   * Takes a place among the running calls, until the handler has ended.
   *
   * @throws ServiceError `resource_exhausted`
   */
  claim(limiter: Limiter): Promise<void> | undefined {
    const ticket = limiter.enter(this.isPatient)
    this.#tickets ??= []
    this.#tickets.push(ticket)
    return ticket.granted
  }

  succeed(value: unknown): void {
    if (this.running.hasEnded) return
    this.#isWhole = true
    this.#finish(undefined)
    this.#resolve(new Succeeded(value, this.running))
    logOutcome(this.running, this.path, undefined)
  }

  fail(error: ServiceError): void {
    if (this.running.hasEnded) return logLateFailure(this.running, this.path, error)
    this.#isWhole = error.code === 'deadline_exceeded'
    this.#finish(error)
    this.#resolve(new Failed(error, this.running))
    logOutcome(this.running, this.path, error)
  }

  /** Hands the items over; the call runs on until the last one is out. */
  stream(source: AsyncIterator<unknown>): void {
    const ended = (error: ServiceError | undefined) => {
      if (error !== undefined) this.#abandon()
      if (this.running.hasEnded) return
      this.running.end(error)
      this.input?.close()
      logOutcome(this.running, this.path, error)
    }
    const released = () => this.running.afterWork(() => this.#stopWorking())
    const failedLate = (error: ServiceError) => logLateFailure(this.running, this.path, error)
    const { running: call, path } = this
    const callerGone = () => call.callerGone()
    const output = new OutputStream(source, { call, write: path.write, callerGone, ended, released, failedLate })
    this.#output = output
    if (call.hasEnded) return output.cut(lateError())
    this.#resolve(new Succeeded(output, this.running))
  }

  /** Ends it, or what an interceptor left behind of it; from here on no caller waits for a handler that ignores its signal. */
  cut(error: ServiceError): void {
    if (this.#isWorking) this.#abandon()
    if (this.#output) this.#output.cut(error)
    else if (!this.running.hasEnded) this.fail(error)
    this.running.cut(error)
  }

  /** The handler has returned, or was never called; with an output stream it works until that is over. */
  returned(): void {
    if (this.#output === undefined) this.running.afterWork(() => this.#stopWorking())
  }

  #waitNoMore(): void {
    this.#begin = undefined
    this.#unlisten?.()
    this.#unlisten = undefined
  }

  /** It runs no more, but works on. */
  #abandon(): void {
    if (this.#returned === undefined) {
      this.#returned = this.path.gate.abandon()
      this.#load?.abandoned()
    }
    this.path.gate.leave(this)
  }

  #stopWorking(): void {
    this.#isWorking = false
    this.path.gate.leave(this)
    const isAbandoned = this.#returned !== undefined
    this.#returned?.()
    this.#returned = undefined
    this.#release()
    this.#load?.left(this.#isWhole ? performance.now() - this.#beganAtMs : undefined, isAbandoned)
    this.running.arrival.ended?.()
  }

  #finish(error: ServiceError | undefined): void {
    this.running.end(error)
    if (this.#begin !== undefined) this.#endUnbegun()
    // What an interceptor left behind is waited for, within the deadline.
    if (!this.running.isWorkLeft) this.path.gate.leave(this)
    this.input?.close()
    // One that still waits for a place must not get it.
    if (this.#tickets?.at(-1)?.isGranted === false) this.#release()
  }

  /** It ends while it waits, as when its deadline passes. */
  #endUnbegun(): void {
    this.#waitNoMore()
    this.path.load?.forget(this)
    this.#isWorking = false
    this.#returned?.()
    this.#returned = undefined
  }

  #release(): void {
    if (this.#tickets) for (const ticket of this.#tickets) ticket.release()
  }
}

class Succeeded implements Success {
  readonly ok = true
  readonly value: unknown
  readonly #call: RunningCall

  constructor(value: unknown, call: RunningCall) {
    this.value = value
    this.#call = call
  }

  get headers(): Success['headers'] {
    return this.#call.headers
  }

  get trailers(): Success['trailers'] {
    return this.#call.trailers
  }

  get callId(): string {
    return this.#call.id
  }
}

class Failed implements Failure {
  readonly ok = false
  readonly error: ServiceError
  readonly callId: string
  readonly headers: Failure['headers']
  readonly trailers: Failure['trailers']

  constructor(error: ServiceError, call: RunningCall) {
    this.error = error
    this.callId = call.id
    this.headers = call.headers
    this.trailers = call.trailers
  }
}

/** What a stream is closed with that came after its caller was answered; nobody sees it. */
function lateError(): ServiceError {
  return new ServiceError('cancelled', 'the call has ended')
}
