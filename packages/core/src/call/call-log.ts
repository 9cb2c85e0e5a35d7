import type { ErrorCode } from '../error/error-code.ts'
import type { ServiceError } from '../error/service-error.ts'
import type { Logger } from '../telemetry/log.ts'
import { runInTrace, type TraceContext, traceIdOf } from '../telemetry/trace.ts'
import type { Arrival } from './arrival.ts'
import type { Call, Principal } from './call.ts'
import type { AmbientCall } from './context.ts'

/** Which finished calls get a line of their own. Faults of the service itself always do. */
export type LoggedCalls = 'all' | 'failed' | 'none'

/** How calls are logged. */
export interface LogPlan {
  readonly log: Logger
  readonly loggedCalls: LoggedCalls
}

interface EndedCall extends LoggedCall {
  readonly startedAtMs: number
  readonly arrival: Pick<Arrival, 'peer'>
  readonly principal: Principal | undefined
}

/** A call as its lines tell of it. */
type LoggedCall = Pick<AmbientCall, 'id' | 'operation' | 'metadata' | 'trace'>

interface FailedItem {
  readonly call: Pick<Call, 'id' | 'operation'>
  readonly message: Pick<Arrival, 'metadata' | 'attempt' | 'peer'>
  readonly error: ServiceError
}

/** How loud a failure is: a caller's own, one that an overload or an outage explains, or one that someone has to look at. */
const levelOf = {
  cancelled: 'info',
  unknown: 'error',
  invalid_argument: 'info',
  deadline_exceeded: 'warn',
  not_found: 'info',
  already_exists: 'info',
  permission_denied: 'info',
  resource_exhausted: 'warn',
  failed_precondition: 'info',
  aborted: 'info',
  out_of_range: 'info',
  unimplemented: 'info',
  internal: 'error',
  unavailable: 'warn',
  data_loss: 'error',
  unauthenticated: 'info',
} as const satisfies Readonly<Record<ErrorCode, 'info' | 'warn' | 'error'>>

/** What every line about a call carries. */
export function callFields({ id, operation, metadata, trace }: LoggedCall) {
  const traceId = traceIdOf(trace) ?? traceIdIn(metadata['traceparent'])
  return traceId === undefined ? { callId: id, operation } : { callId: id, operation, traceId }
}

/** One line for a finished call. */
export function logOutcome(call: EndedCall, { log, loggedCalls }: LogPlan, error: ServiceError | undefined): void {
  if (error === undefined) {
    if (loggedCalls !== 'all') return
    return write(
      () => log.info({ ...callFields(call), ...durationOf(call) }, `${call.operation} succeeded`),
      call.trace,
    )
  }
  const { code, reason } = error
  const level = levelOf[code]
  const fields = () => ({ ...callFields(call), ...durationOf(call), code })
  if (level === 'error')
    return write(() => log.error({ ...fields(), err: error.cause ?? error }, `${call.operation} failed`), call.trace)
  if (loggedCalls === 'none') return
  write(
    () => log[level]({ ...fields(), reason, ...denialOf(call, error) }, `${call.operation} failed: ${error.message}`),
    call.trace,
  )
}

/** Whom an audit finds in the line of a caller that was turned away, and what was wrong, which the caller is not told. Never the credential. */
function denialOf({ arrival, principal }: EndedCall, { code, cause }: ServiceError) {
  if (code !== 'unauthenticated' && code !== 'permission_denied') return {}
  return { principal: principal?.id, peer: arrival.peer, cause: cause instanceof Error ? cause.message : undefined }
}

/** A line for what a handler threw after its caller was answered, where it is a fault of our own: nobody else will hear of it. */
export function logLateFailure(call: EndedCall, { log }: LogPlan, error: ServiceError): void {
  if (levelOf[error.code] !== 'error') return
  write(
    () =>
      log.error(
        { ...callFields(call), ...durationOf(call), code: error.code, err: error.cause ?? error },
        `${call.operation} failed after its caller was answered`,
      ),
    call.trace,
  )
}

/** A line for one message of a batch that failed, as for a call; with the trace of the message. */
export function logItemFailure(item: FailedItem, { log, loggedCalls }: LogPlan): void {
  const { call, error } = item
  const { code, reason } = error
  const level = levelOf[code]
  if (level === 'error')
    return write(() => log.error({ ...itemFields(item), err: error.cause ?? error }, `${call.operation} failed`))
  if (loggedCalls === 'none') return
  write(() => log[level]({ ...itemFields(item), reason }, `${call.operation} failed: ${error.message}`))
}

/** A line for a message of a batch that was said to have failed when it had been settled: its failure is lost. */
export function logLostFailure(item: FailedItem, { log }: LogPlan): void {
  const { call, error } = item
  write(() =>
    log.error(
      { ...itemFields(item), err: error.cause ?? error },
      `${call.operation} failed a message of a batch after its call had ended; it counts as handled`,
    ),
  )
}

function itemFields({ call: { id, operation }, message, error: { code } }: FailedItem) {
  const { metadata, peer, attempt = 1 } = message
  const traceId = traceIdIn(metadata['traceparent'])
  return { callId: id, operation, ...(traceId !== undefined && { traceId }), peer, attempt, code }
}

/**
 * An exception that throws when it is looked at, or a logger that does, must cost nobody the answer.
 *
 * @param within The trace of the call: its end is noticed by timers and readers too, which are of other calls or of none.
 */
function write(line: () => void, within?: TraceContext): void {
  try {
    if (within === undefined) line()
    else runInTrace(within, line)
  } catch {
    // There is nowhere left to tell it.
  }
}

function durationOf({ startedAtMs }: EndedCall) {
  return { durationMs: Math.round((performance.now() - startedAtMs) * 1000) / 1000 }
}

/** @see W3C Trace Context, traceparent */
const traceparent = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/

function traceIdIn(text: string | undefined): string | undefined {
  return text === undefined ? undefined : traceparent.exec(text)?.[1]
}
