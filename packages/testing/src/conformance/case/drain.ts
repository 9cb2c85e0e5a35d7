import type { Call } from '@tenon/core'
import { requireEqual, requireFailure, requireSuccess, requireTrue } from '../assertion.ts'
import { behavioursOf } from '../behaviour.ts'
import type { Stage } from '../stage.ts'

const drain = behavioursOf('drain')
const limit = behavioursOf('limit')

/** A handler that does not end before it is told to. */
function held() {
  const begun = Promise.withResolvers<Call>()
  const release = Promise.withResolvers<void>()
  const handle = async (_input: never, call: Call) => {
    begun.resolve(call)
    await release.promise
    return {}
  }
  return { handle, begun: begun.promise, release: () => release.resolve() }
}

/** One call runs and may not end while this runs beside it. */
async function whileOneRuns(
  stage: Stage,
  beside: (served: Awaited<ReturnType<Stage['serve']>>, call: Call) => Promise<void>,
): Promise<void> {
  const { handle, begun, release } = held()
  await using served = await stage.serve({ handle })
  const running = served.call({ key: 'first' })
  const call = await begun
  try {
    await beside(served, call)
  } finally {
    release()
  }
  requireSuccess(await running)
}

/** How running calls end with the service, and how many may run. */
export const drainCases = [
  drain('a call that runs when the drain begins is answered', {
    run: async (stage) => {
      let ending: Promise<{ readonly exitCode: 0 | 1 }> | undefined
      await whileOneRuns(stage, async (served, call) => {
        const draining = new Promise((resolve) => call.draining.addEventListener('abort', resolve, { once: true }))
        ending = served.stop()
        await draining
        requireEqual(call.signal.aborted, false, 'the drain should leave the signal alone:')
      })
      requireEqual((await ending)?.exitCode, 0, 'the exit code should be')
    },
  }),
  drain('a call that comes while the service drains is unavailable', {
    needs: ['drain.refusal'],
    run: (stage) =>
      whileOneRuns(stage, async (served, call) => {
        const draining = new Promise((resolve) => call.draining.addEventListener('abort', resolve, { once: true }))
        void served.stop()
        await draining
        requireFailure(await served.call({ key: 'second' }), 'unavailable')
        requireEqual(served.inputs, [{ key: 'first' }], 'the handler should be given')
      }),
  }),
  limit('a call beyond the limit of its operation is told to come again', {
    needs: ['limit.refusal'],
    run: (stage) => refusesSecond(stage, { maxConcurrentCalls: 1, service: { maxQueuedCalls: 0 } }),
  }),
  limit('a call beyond the limit of the service is told to come again', {
    needs: ['limit.refusal'],
    run: (stage) => refusesSecond(stage, { service: { maxConcurrentCalls: 1, maxQueuedCalls: 0 } }),
  }),
  limit('a call that waits for a place gets it, and one more does not', {
    needs: ['limit.refusal'],
    run: async ({ serve }) => {
      const { handle, begun, release } = held()
      await using served = await serve({ handle, maxConcurrentCalls: 1, service: { maxQueuedCalls: 1 } })
      const first = served.call({ key: 'first' })
      await begun
      const others = ['second', 'third'].map((key) => served.call({ key }))
      // The one that is refused shows that the other has come, and waits.
      requireFailure(await Promise.race(others), 'resource_exhausted')
      requireEqual(served.inputs, [{ key: 'first' }], 'the handler should be given')
      release()
      requireSuccess(await first)
      requireEqual((await Promise.all(others)).filter(({ ok }) => ok).length, 1, 'calls that get the place')
    },
  }),
]

async function refusesSecond({ serve }: Stage, offer: Parameters<Stage['serve']>[0]): Promise<void> {
  const { handle, begun, release } = held()
  await using served = await serve({ ...offer, handle })
  const first = served.call({ key: 'first' })
  await begun
  try {
    const { details } = requireFailure(await served.call({ key: 'second' }), 'resource_exhausted')
    requireTrue(Number(details?.['retryDelayMs']) > 0, 'the caller should be told when to try again')
    requireEqual(served.inputs, [{ key: 'first' }], 'the handler should be given')
  } finally {
    release()
  }
  requireSuccess(await first)
}
