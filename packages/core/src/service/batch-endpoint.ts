import type { Arrival, Outcome } from '../call/arrival.ts'
import { Batch } from '../call/batch/batch.ts'
import { noteSender } from '../call/batch/sender.ts'
import type { Call, Metadata } from '../call/call.ts'
import { toCallError } from '../call/call-error.ts'
import type { CallPlan } from '../call/call-plan.ts'
import type { Authenticator } from '../call/rule/access.ts'
import type { BatchSettings } from '../contract/batch.ts'
import { asItIs } from '../schema/compiled-schema.ts'
import { batchAttributes } from '../telemetry/convention.ts'
import type { SizeObserver } from '../telemetry/observed-call.ts'
import type { BatchArrival, EventEndpoint } from '../transport/endpoint.ts'

/** Composes the call path of a plan. */
type Compose = (plan: CallPlan) => (arrival: Arrival) => Promise<Outcome>

/** The call paths of a consumer that takes several messages at once: to read one, to handle several, and to handle one alone. */
export function batchEndpoint(
  plan: CallPlan,
  settings: BatchSettings,
  compose: Compose,
): Pick<EventEndpoint, 'batch' | 'dispatch'> {
  const { invoke: handler, loggedCalls, authenticate } = plan
  const judge: Authenticator | undefined =
    authenticate && (async (arrival) => noteSender(arrival, (await authenticate(arrival)) ?? undefined))
  // One that was read is no call yet; one that could not be is told of as any other.
  const toldReads = loggedCalls === 'all' ? 'failed' : loggedCalls
  const read = compose({
    ...plan,
    output: asItIs,
    loggedCalls: toldReads,
    isObserved: false,
    authenticate: judge,
    invoke: (payload) => payload,
  })
  const handle = compose({ ...plan, input: asItIs, invoke: (batch, call) => batchIn(batch).run(handler, call) })
  const handleOne = compose({
    ...plan,
    invoke: async (payload, call) => {
      const message = {
        payload,
        arrival: { metadata: call.metadata, attempt: call.attempt, principal: call.principal },
      }
      const batch = new Batch([message], plan).read()
      // What was said of the message counts more than what the call came to, as in a batch.
      const [outcome] = batch.close(await endOf(() => batch.run(handler, call), call))
      if (outcome?.ok === false) throw outcome.error
    },
  })
  const dispatch = async (arrival: BatchArrival) => {
    const batch = new Batch(arrival.messages, plan)
    return batch.close(await handle(new BatchedArrival(arrival, batch)))
  }
  return { batch: { ...settings, read, dispatch }, dispatch: handleOne }
}

async function endOf(work: () => unknown, call: Call): Promise<Outcome> {
  const { id: callId } = call
  try {
    await work()
    return { ok: true, value: undefined, callId, headers: undefined }
  } catch (thrown) {
    return { ok: false, error: toCallError(thrown, call), callId, headers: undefined }
  }
}

/** A batch as its call path takes it. It has no headers: its messages have, and may be of many callers. */
class BatchedArrival implements Arrival {
  readonly transport: string
  readonly metadata = {}
  readonly isTrusted: boolean
  readonly isAccepted: boolean
  readonly timeoutMs: number | undefined
  readonly convention: BatchArrival['convention']
  readonly #given: BatchArrival
  readonly #batch: Batch

  constructor(given: BatchArrival, batch: Batch) {
    this.transport = given.transport
    this.isTrusted = given.isTrusted ?? false
    this.isAccepted = given.isAccepted ?? false
    this.timeoutMs = given.timeoutMs
    this.convention = given.convention
    this.#given = given
    this.#batch = batch
  }

  /** Messages that are handled at once may be of many traces. */
  get follows(): readonly Metadata[] {
    return this.#given.messages.map(({ arrival }) => arrival.metadata)
  }

  spanAttributes() {
    return batchAttributes(this.#given.messages.length)
  }

  measureBy(sizes: SizeObserver): void {
    for (const { arrival } of this.#given.messages) arrival.measureBy?.(sizes)
  }

  get signal(): AbortSignal | undefined {
    return this.#given.signal
  }

  decode(): Batch {
    return this.#batch.read()
  }

  ended(): void {
    this.#given.ended?.()
  }
}

function batchIn(input: unknown): Batch {
  if (input instanceof Batch) return input
  throw new TypeError('expected a batch')
}
