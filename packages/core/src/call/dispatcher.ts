import { invalidArgument, ServiceError } from '../error/service-error.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Arrival, Failure, Outcome } from './arrival.ts'
import type { AccessCheck, Authenticator } from './access.ts'
import { toCallError } from './call-error.ts'
import type { CompiledSchema, SchemaResult } from '../schema/compiled-schema.ts'
import { runInCall } from './context.ts'
import { type Cuttable, drainingError, type Gate } from './gate.ts'
import type { Invoke } from './interceptor.ts'
import { OutputStream } from './output-stream.ts'
import { type CallFacts, RunningCall } from './running-call.ts'

/** Everything about an operation that was decided at boot. */
export interface CallPlan extends CallFacts {
  readonly kind: 'unary' | 'server_stream'
  readonly input: CompiledSchema
  /** Undefined for events, which have no output. */
  readonly output: CompiledSchema | undefined
  readonly isOutputChecked: boolean
  readonly authenticate: Authenticator | undefined
  readonly access: AccessCheck | undefined
  /** The handler with its interceptors around it. */
  readonly invoke: Invoke
}

/** Serves one call; never rejects. */
export type Dispatch = (arrival: Arrival) => Promise<Outcome>

/**
 * The call path of one operation: admit, call context, authenticate, authorise, decode and validate, interceptors and
 * handler, check the output. The only code that can call a handler.
 */
export function composeDispatch(plan: CallPlan, gate: Gate): Dispatch {
  const path: CallPath = { ...plan, gate, write: outputWriter(plan) }
  return (arrival) => {
    if (!gate.isOpen) return Promise.resolve(refuse(plan, arrival, gate))
    return new Promise((resolve) => {
      const call = new DispatchedCall(new RunningCall(plan, arrival, gate.draining), path, resolve)
      gate.enter(call)
      void runInCall(call.running, serve, call)
    })
  }
}

/** What all calls of an operation share. */
interface CallPath extends CallPlan {
  readonly gate: Gate
  readonly write: (value: unknown) => unknown
}

async function serve(dispatched: DispatchedCall): Promise<void> {
  const { running: call, path } = dispatched
  try {
    if (call.arrival.isTrusted !== true) {
      if (path.authenticate) call.principal = await path.authenticate(call.arrival)
      if (path.access) path.access(call.principal)
    }
    const decoded = path.input.read(call.arrival.decode())
    const input = decoded instanceof Promise ? await decoded : decoded
    if (!input.ok) throw invalidArgument(input.violations)
    if (call.hasEnded) return
    const output = await path.invoke(input.value, call)
    if (path.kind === 'server_stream') dispatched.stream(iteratorOf(output, path))
    else dispatched.succeed(path.write(output))
  } catch (thrown) {
    dispatched.fail(toCallError(thrown, call))
  }
}

/** A call with its caller waiting for the outcome. The first outcome counts, later ones are too late to be told. */
class DispatchedCall implements Cuttable {
  readonly running: RunningCall
  readonly path: CallPath
  place = 0
  readonly #resolve: (outcome: Outcome) => void
  #stream: OutputStream | undefined

  constructor(running: RunningCall, path: CallPath, resolve: (outcome: Outcome) => void) {
    this.running = running
    this.path = path
    this.#resolve = resolve
  }

  get deadlineAt(): number | undefined {
    return this.running.deadlineAt
  }

  succeed(value: unknown): void {
    if (this.running.hasEnded) return
    this.#finish(undefined)
    this.#resolve({ ok: true, value, headers: this.running.headers })
  }

  fail(error: ServiceError): void {
    if (this.running.hasEnded) return
    this.#finish(error)
    this.#resolve({ ok: false, error, callId: this.running.id, headers: this.running.headers })
  }

  /** Hands the items over; the call runs on until the last one is out. */
  stream(source: AsyncIterator<unknown>): void {
    const stream = new OutputStream(source, {
      call: this.running,
      write: this.path.write,
      ended: (error) => this.#finish(error),
    })
    if (this.running.hasEnded) return stream.cut(lateError())
    this.#stream = stream
    this.#resolve({ ok: true, value: stream, headers: this.running.headers })
  }

  cut(error: ServiceError): void {
    if (this.#stream) this.#stream.cut(error)
    else this.fail(error)
  }

  #finish(error: ServiceError | undefined): void {
    if (this.running.hasEnded) return
    this.running.end(error)
    this.path.gate.leave(this)
    logOutcome(this.running, this.path.log, error)
  }
}

/** What a stream is closed with that came after its caller was answered; nobody sees it. */
function lateError(): ServiceError {
  return new ServiceError('cancelled', 'the call has ended')
}

function refuse(plan: CallPlan, arrival: Arrival, { draining }: Gate): Failure {
  const error = drainingError()
  return { ok: false, error, callId: new RunningCall(plan, arrival, draining).id, headers: undefined }
}

/** Outputs are always stripped; a mismatch is our own fault, so the caller learns nothing of it. */
function outputWriter({ id, output, isOutputChecked }: CallPlan): CallPath['write'] {
  if (output === undefined) return () => undefined
  if (!isOutputChecked) return (value) => output.strip(value)
  return (value) => {
    const result: SchemaResult = output.write(value)
    if (result.ok) return result.value
    const found = result.violations.map(({ field, message }) => `${field || '(output)'} ${message}`).join('; ')
    throw new Error(`the output of ${id} does not fit its schema: ${found}`)
  }
}

function iteratorOf(output: unknown, { id }: CallPlan): AsyncIterator<unknown> {
  const make: unknown =
    typeof output === 'object' && output !== null ? Reflect.get(output, Symbol.asyncIterator) : undefined
  if (typeof make !== 'function') throw new TypeError(`${id} must return an async iterable`)
  return Reflect.apply(make, output, []) as AsyncIterator<unknown>
}

const ownFaults: ReadonlySet<string> = new Set(['internal', 'unknown', 'data_loss'])

function logOutcome(call: RunningCall, log: Logger, error: ServiceError | undefined): void {
  if (error === undefined) return
  if (!ownFaults.has(error.code))
    return log.debug(
      { callId: call.id, operation: call.operation, code: error.code, reason: error.reason },
      error.message,
    )
  log.error(
    { callId: call.id, operation: call.operation, code: error.code, err: error.cause ?? error },
    `${call.operation} failed`,
  )
}
