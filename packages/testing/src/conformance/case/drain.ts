import type { Call, Interceptor } from '@tenon/core'
import { requireEqual, requireFailure, requireSuccess, requireTrue } from '../assertion.ts'
import { behavioursOf } from '../behaviour.ts'
import type { Offer, Stage } from '../stage.ts'
import { quiet } from './quiet.ts'
import { callStream, codeOf, endOf, offerOf, type StreamKind, streamKinds, untilEnd } from './stream-kind.ts'

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
  drain('a call that the drain deadline finds running is unavailable, and its handler learns why', {
    run: async ({ serve, has }) => {
      const { between, begun, ended } = waiting()
      const handle: Offer['handle'] = async (_input, call) => {
        await between(call)
        return {}
      }
      await using served = await serve({ handle, service: { shutdownTimeoutMs: cutAfterMs } })
      const running = served.call({})
      running.catch(unheard)
      await begun
      await requireCut(served.stop(), ended)
      if (has('error.to_caller')) requireFailure(await running, 'unavailable')
    },
  }),
  ...streamKinds.map((kind) =>
    drain(`the drain deadline ends ${kind.words} as unavailable, and the handler learns why`, {
      needs: kind.needs,
      run: async ({ serve }) => {
        const { between, begun, ended } = waiting()
        await using served = await serve({
          ...offerOf(kind, { between }),
          service: { shutdownTimeoutMs: cutAfterMs },
        })
        const running = callStream(kind, served, { rest: ended })
        running.catch(unheard)
        await begun
        await requireCut(served.stop(), ended)
        requireEqual((await running).code, 'unavailable', 'the call should end with')
      },
    }),
  ),
  limit('a call beyond the limit of its operation is told to come again', {
    needs: ['limit.refusal'],
    run: (stage) => refusesSecond(stage, { maxConcurrentCalls: 1, service: { maxQueuedCalls: 0 } }),
  }),
  limit('a call beyond the limit of the service is told to come again', {
    needs: ['limit.refusal'],
    run: (stage) => refusesSecond(stage, { service: { maxConcurrentCalls: 1, maxQueuedCalls: 0 } }),
  }),
  ...streamKinds.map((kind) =>
    limit(`${kind.words} keeps its place until it is over`, {
      needs: [...kind.needs, 'limit.refusal'],
      run: (stage) => keepsPlace(stage, kind),
    }),
  ),
  limit('work that an interceptor leaves behind keeps the place of its call until it has ended', {
    needs: ['limit.refusal'],
    run: async ({ serve }) => {
      const { handle, begun, release } = held()
      const hurried: Interceptor = async (_call, next) => {
        void next()
        return {}
      }
      const service = { maxQueuedCalls: 0, interceptors: [hurried] }
      await using served = await serve({ handle, maxConcurrentCalls: 1, service })
      requireSuccess(await served.call({ key: 'first' }))
      await begun
      try {
        requireFailure(await served.call({ key: 'second' }), 'resource_exhausted')
      } finally {
        release()
      }
      await quiet(() => served.inputs.length)
      requireSuccess(await served.call({ key: 'third' }))
      requireEqual(served.inputs, [{ key: 'first' }, { key: 'third' }], 'the handler should be given')
    },
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

/** How long a stop may take of a case that waits for its end. */
const cutAfterMs = 200

/** What a handler does that waits until its call is ended. */
function waiting() {
  const begun = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<unknown>()
  const between = async (call: Call) => {
    begun.resolve()
    await untilEnd(call)
    ended.resolve(codeOf(call.signal.reason))
  }
  return { between, begun: begun.promise, ended: ended.promise }
}

/** The case says first what is wrong with the handler; what its caller came to must not end the process meanwhile. */
function unheard(): void {}

async function requireCut(stopped: Promise<{ readonly exitCode: 0 | 1 }>, ended: Promise<unknown>): Promise<void> {
  // A call that is not cut would wait for ever.
  const { exitCode } = await stopped
  const reason = await Promise.race([ended, quiet(() => 0).then(() => 'nothing')])
  requireEqual(reason, 'unavailable', 'the reason of the signal should be')
  requireEqual(exitCode, 1, 'the exit code should be')
}

async function keepsPlace({ serve }: Stage, kind: StreamKind): Promise<void> {
  const begun = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  let begunCount = 0
  const between = () => {
    begunCount += 1
    begun.resolve()
    return release.promise
  }
  const offer = { ...offerOf(kind, { between }), maxConcurrentCalls: 1, service: { maxQueuedCalls: 0 } }
  await using served = await serve(offer)
  const first = callStream(kind, served, { rest: release.promise })
  try {
    await begun.promise
    const { code, details } = await callStream(kind, served)
    requireEqual(code, 'resource_exhausted', 'the second should end with')
    requireTrue(Number(details?.['retryDelayMs']) > 0, 'the caller should be told when to try again')
  } finally {
    release.resolve()
  }
  requireEqual((await first).output, endOf(kind), 'the first should end with')
  requireEqual((await callStream(kind, served)).output, endOf(kind), 'one that comes after it should end with')
  requireEqual(begunCount, 2, 'calls that reach the handler should be')
}
