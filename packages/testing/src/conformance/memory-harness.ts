import type { Operation } from '@tenon/core/contract'
import { type Outcome, ServiceError } from '@tenon/core/transport'
import { memoryTransport } from '../memory-transport.ts'
import type { ConformanceHarness, PeerCall, PeerEvent, PeerFailure } from './harness.ts'

/** The harness of `memoryTransport()`, and the shortest example of one. */
export function memoryHarness(): ConformanceHarness {
  return {
    name: 'memory',
    lacks: {
      'input.text': 'values are handed over as they are',
      'limit.size': 'values are handed over as they are',
    },
    start: async (service) => {
      const transport = memoryTransport()
      await service.start(transport)
      const dispatch = ({ operation, input, inputs, metadata, timeoutMs, signal }: PeerCall): Promise<Outcome> =>
        transport
          .call<Operation>(operation, (inputs ?? input) as never, {
            metadata,
            ...(timeoutMs !== undefined && { timeoutMs }),
            ...(signal && { signal }),
          })
          .catch(refused)
      return {
        call: async (call) => {
          const outcome = await dispatch(call)
          const { headers = {}, trailers } = outcome
          return outcome.ok ? { ok: true, output: outcome.value, headers, trailers } : toFailure(outcome.error, outcome)
        },
        stream: (call) => steps(dispatch(call)),
      }
    },
  }
}

async function* steps(dispatched: Promise<Outcome>): AsyncGenerator<PeerEvent> {
  const outcome = await dispatched
  if (!outcome.ok) {
    yield { failure: toFailure(outcome.error, outcome) }
    return yield { trailers: outcome.trailers ?? {} }
  }
  const iterator = (outcome.value as AsyncIterable<unknown>)[Symbol.asyncIterator]()
  try {
    const first = await iterator.next()
    yield { headers: outcome.headers ?? {} }
    for (let step = first; step.done !== true; step = await iterator.next()) yield { item: step.value }
    yield { trailers: outcome.trailers ?? {} }
  } catch (error) {
    // The steps throw nothing but ServiceErrors.
    yield { failure: toFailure(error as ServiceError, outcome) }
    yield { trailers: outcome.trailers ?? {} }
  } finally {
    await iterator.return?.()
  }
}

/** A service that has stopped is told of by throwing. */
function refused(error: unknown): Outcome {
  if (ServiceError.is(error)) return { ok: false, error, callId: '', headers: undefined }
  throw error
}

function toFailure({ code, message, reason, details }: ServiceError, { headers, trailers }: Outcome): PeerFailure {
  return { ok: false, code, message, reason, details, headers: headers ?? {}, trailers }
}
