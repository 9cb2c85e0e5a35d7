import { invalidArgument, ServiceError } from '../error/service-error.ts'
import { markShutdown } from '../error/shutdown.ts'
import type { SchemaResult } from '../schema/compiled-schema.ts'
import { observeArrival } from '../telemetry/observed-arrival.ts'
import { requireAllowed } from './rule/access.ts'
import type { Arrival, ArrivalHead, Failure, Outcome } from './arrival.ts'
import { toCallError } from './call-error.ts'
import type { CallPath, CallPlan } from './call-plan.ts'
import { runInCall } from './context.ts'
import { DispatchedCall } from './dispatched-call.ts'
import { refusal } from './overload/refusal.ts'
import { drainingError, type Gate } from './gate.ts'
import { InputStream, inputIterator } from './stream/input-stream.ts'
import { RunningCall } from './running-call.ts'

/** Serves one call; never rejects. */
export type Dispatch = (arrival: Arrival) => Promise<Outcome>

/**
 * The call path of one operation: admit, call context, authenticate, authorise, decode and validate, policy, interceptors and
 * handler, check the output. The only code that can call a handler.
 */
export function composeDispatch(plan: CallPlan, gate: Gate): Dispatch {
  const path: CallPath = {
    ...plan,
    gate,
    isInputStream: plan.kind === 'client_stream' || plan.kind === 'bidi_stream',
    isOutputStream: plan.kind === 'server_stream' || plan.kind === 'bidi_stream',
    write: outputWriter(plan),
  }
  return (arrival) => {
    if (!gate.isOpen && !gate.isOpenTo(arrival)) return Promise.resolve(refuse(plan, arrival, gate))
    return new Promise((resolve) => {
      const call = new DispatchedCall(runningCall(plan, arrival, gate), path, resolve)
      gate.enter(call)
      if (call.running.hasEnded) return
      if (path.load === undefined || call.takesTurn(path.load)) begin(call)
      else call.waitTurn(path.load, begin)
    })
  }
}

/** As `OperationEndpoint.refuse`. */
export type RefuseAtOnce = (head: ArrivalHead) => ServiceError | undefined

/** What refuses calls of an operation by their heads; undefined where none is refused so, or each is to have its line in the log. */
export function composeRefusal({ load, loggedCalls }: CallPlan, gate: Gate): RefuseAtOnce | undefined {
  if (load === undefined || loggedCalls === 'all') return undefined
  return (head) => (gate.isOpen && load.refusesAtOnce(head) ? refusal : undefined)
}

function begin(call: DispatchedCall): void {
  void runInCall(call.running, serve, call)
}

async function serve(dispatched: DispatchedCall): Promise<void> {
  const { running: call, path } = dispatched
  const { arrival } = call
  try {
    if (call.isExpired) throw new ServiceError('deadline_exceeded', 'the deadline had passed when the call came')
    if (path.limiters.length > 0 && !(await isAdmitted(dispatched))) return
    if (arrival.isTrusted !== true) {
      if (path.authenticate && call.principal === undefined)
        call.principal = (await path.authenticate(arrival)) ?? undefined
      const checked = path.access?.(call.principal)
      if (checked) await checked
    }
    const read = readInput(dispatched)
    const input = read instanceof Promise ? await read : read
    if (path.policy && arrival.isTrusted !== true) requireAllowed(await path.policy(call.principal, input))
    if (call.hasEnded) return
    const output = await path.invoke(input, call)
    if (path.isOutputStream) dispatched.stream(iteratorOf(output, path))
    else {
      const written = path.write(output)
      dispatched.succeed(written instanceof Promise ? await written : written)
    }
  } catch (thrown) {
    dispatched.fail(toCallError(thrown, call))
  } finally {
    dispatched.returned()
  }
}

/** Waits for a place under each limit; false when the call ended before it had them all. */
async function isAdmitted(dispatched: DispatchedCall): Promise<boolean> {
  for (const limiter of dispatched.path.limiters) {
    const granted = dispatched.claim(limiter)
    if (granted) await untilGone(dispatched, granted)
    if (dispatched.running.hasEnded) return false
  }
  return true
}

/** A caller that leaves gives up its place to the next one. */
async function untilGone(dispatched: DispatchedCall, granted: Promise<void>): Promise<void> {
  const { signal } = dispatched.running
  const gone = () => dispatched.fail(toCallError(signal.reason, dispatched.running))
  signal.addEventListener('abort', gone, { once: true })
  if (signal.aborted) gone()
  await granted
  signal.removeEventListener('abort', gone)
}

/** The validated input; a promise only where the schema library's validator is asynchronous. */
function readInput(dispatched: DispatchedCall): unknown {
  const { running: call, path } = dispatched
  const decoded = call.arrival.decode()
  if (path.isInputStream) {
    const callerGone = () => call.callerGone()
    dispatched.input = new InputStream(inputIterator(decoded), { item: path.input, signal: call.signal, callerGone })
    return dispatched.input
  }
  const result = path.input.read(decoded)
  return result instanceof Promise ? result.then(valueOf) : valueOf(result)
}

function valueOf(result: SchemaResult): unknown {
  if (!result.ok) throw invalidArgument(result.violations)
  return result.value
}

function refuse(plan: CallPlan, arrival: Arrival, gate: Gate): Failure {
  const error = markShutdown(drainingError())
  const call = runningCall(plan, arrival, gate)
  call.end(error)
  return { ok: false, error, callId: call.id, headers: undefined }
}

function runningCall(plan: CallPlan, arrival: Arrival, gate: Gate): RunningCall {
  const call = new RunningCall(plan, arrival, gate)
  if (plan.isObserved !== false) call.observed = observeArrival(arrival, plan.id)
  return call
}

/** Outputs are always stripped; a mismatch is our own fault, so the caller learns nothing of it. */
function outputWriter({ id, output, isOutputChecked }: CallPlan): CallPath['write'] {
  if (output === undefined) return () => undefined
  if (!isOutputChecked) return (value) => output.strip(value)
  const toValue = (result: SchemaResult) => {
    if (result.ok) return result.value
    const found = result.violations.map(({ field, message }) => `${field || '(output)'} ${message}`).join('; ')
    throw new Error(`the output of ${id} does not fit its schema: ${found}`)
  }
  return (value) => {
    const result = output.write(value)
    return result instanceof Promise ? result.then(toValue) : toValue(result)
  }
}

function iteratorOf(output: unknown, { id }: CallPlan): AsyncIterator<unknown> {
  const make: unknown =
    typeof output === 'object' && output !== null ? Reflect.get(output, Symbol.asyncIterator) : undefined
  if (typeof make !== 'function') throw new TypeError(`${id} must return an async iterable`)
  return Reflect.apply(make, output, []) as AsyncIterator<unknown>
}
