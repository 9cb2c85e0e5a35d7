import { type Call, currentCall } from '@tenon/core'
import type { OutgoingCall } from '@tenon/core/client'
import Type from 'typebox'
import { requireEqual, requireFailure, requireSuccess, requireTrue } from '../assertion.ts'
import { behavioursOf } from '../behaviour.ts'
import type { Stage } from '../stage.ts'
import { recordingClient } from './recording-client.ts'

const deadline = behavioursOf('deadline')
const cancel = behavioursOf('cancel')

/** A handler that ends when its signal fires, and tells what fired it. */
function waiting() {
  const begun = Promise.withResolvers<Call>()
  const ended = Promise.withResolvers<unknown>()
  const handle = async (_input: never, call: Call): Promise<never> => {
    begun.resolve(call)
    const { signal } = call
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    ended.resolve(signal.reason)
    throw new Error('the handler has given up')
  }
  return { handle, begun: begun.promise, ended: ended.promise }
}

/** What a handler sees of its deadline. */
async function remainingIn(stage: Stage, { ownMs, callerMs }: { readonly ownMs: number; readonly callerMs?: number }) {
  let remainingMs = Number.NaN
  const handle = (_input: never, call: Call) => {
    remainingMs = call.remainingMs()
    return {}
  }
  await using served = await stage.serve({ timeoutMs: ownMs, handle })
  requireSuccess(await served.call({}, callerMs === undefined ? {} : { timeoutMs: callerMs }))
  return remainingMs
}

/** How long a call may take, and who says so. */
export const deadlineCases = [
  deadline("the caller's time ends a call", {
    needs: ['deadline.caller'],
    run: async ({ serve }) => {
      const { handle, ended } = waiting()
      await using served = await serve({ handle })
      requireFailure(await served.call({}, { timeoutMs: 50 }), 'deadline_exceeded')
      // On a busy machine the time may be over before the call has come.
      if (served.inputs.length > 0) requireTrue((await ended) !== undefined, 'the signal should say why it fired')
    },
  }),
  deadline("the operation's time ends a call, and the handler learns why", {
    run: async ({ serve }) => {
      const { handle, ended } = waiting()
      await using served = await serve({ handle, timeoutMs: 30 })
      requireFailure(await served.call({}), 'deadline_exceeded')
      requireEqual(Reflect.get(Object(await ended), 'code'), 'deadline_exceeded', 'the reason of the signal should be')
    },
  }),
  deadline("the service's time ends a call of an operation without one", {
    run: async ({ serve }) => {
      const { handle } = waiting()
      await using served = await serve({ handle, service: { callTimeoutMs: 30 } })
      requireFailure(await served.call({}), 'deadline_exceeded')
    },
  }),
  deadline('a caller is answered in time although the handler heeds nothing', {
    needs: ['error.to_caller'],
    run: async ({ serve }) => {
      const release = Promise.withResolvers<object>()
      await using served = await serve({ handle: () => release.promise, timeoutMs: 30 })
      try {
        requireFailure(await served.call({}), 'deadline_exceeded')
      } finally {
        release.resolve({})
      }
    },
  }),
  deadline("the caller's time counts where it is the smaller one", {
    needs: ['deadline.caller'],
    run: async (stage) => {
      const remainingMs = await remainingIn(stage, { ownMs: 600_000, callerMs: 20_000 })
      requireTrue(remainingMs > 0 && remainingMs <= 20_000, `expected at most 20000 ms, found ${remainingMs}`)
    },
  }),
  deadline("the operation's time counts where it is the smaller one", {
    needs: ['deadline.caller'],
    run: async (stage) => {
      const remainingMs = await remainingIn(stage, { ownMs: 20_000, callerMs: 600_000 })
      requireTrue(remainingMs > 0 && remainingMs <= 20_000, `expected at most 20000 ms, found ${remainingMs}`)
    },
  }),
  deadline("a call of a caller that says nothing has the operation's time", {
    run: async (stage) => {
      const remainingMs = await remainingIn(stage, { ownMs: 20_000 })
      requireTrue(remainingMs > 0 && remainingMs <= 20_000, `expected at most 20000 ms, found ${remainingMs}`)
    },
  }),
  deadline('what is left of it goes along with calls of other services', {
    run: async ({ serve }) => {
      const sent: OutgoingCall[] = []
      const handle = () => recordingClient(sent).act({})
      await using served = await serve({ handle, timeoutMs: 20_000, output: Type.Object({}) })
      requireSuccess(await served.call({}))
      const [{ timeoutMs = 0, signal } = {} as Partial<OutgoingCall>] = sent
      requireTrue(timeoutMs > 0 && timeoutMs <= 20_000, `expected at most 20000 ms, found ${timeoutMs}`)
      requireTrue(signal !== undefined, 'the outgoing call should end with the running one')
    },
  }),
  deadline('code far from the handler finds it', {
    run: async ({ serve }) => {
      let found: boolean | undefined
      const handle = async (_input: never, call: Call) => {
        await Promise.resolve()
        found = currentCall()?.deadlineAt === call.deadlineAt && call.deadlineAt !== undefined
        return {}
      }
      await using served = await serve({ handle, timeoutMs: 20_000 })
      requireSuccess(await served.call({}))
      requireEqual(found, true)
    },
  }),
  deadline('a call that ends in time leaves the signal alone', {
    run: async ({ serve }) => {
      let signal: AbortSignal | undefined
      const handle = (_input: never, call: Call) => {
        signal = call.signal
        return {}
      }
      await using served = await serve({ handle, timeoutMs: 20_000 })
      requireSuccess(await served.call({}))
      requireEqual(signal?.aborted, false)
    },
  }),
  cancel('a caller that leaves fires the signal of its call', {
    needs: ['cancel.caller'],
    run: async ({ serve }) => {
      const { handle, begun, ended } = waiting()
      await using served = await serve({ handle })
      const caller = new AbortController()
      const call = served.call({}, { signal: caller.signal }).catch(() => undefined)
      await begun
      caller.abort()
      requireEqual(Reflect.get(Object(await ended), 'code'), 'cancelled', 'the reason of the signal should be')
      await call
    },
  }),
  cancel('a caller that leaves disturbs no other', {
    needs: ['cancel.caller'],
    run: async ({ serve }) => {
      const first = Promise.withResolvers<Call>()
      const second = Promise.withResolvers<Call>()
      const gone = Promise.withResolvers<void>()
      const release = Promise.withResolvers<object>()
      const handle = async ({ key }: { readonly key: string }, call: Call) => {
        if (key === 'one') call.signal.addEventListener('abort', () => gone.resolve(), { once: true })
        ;(key === 'one' ? first : second).resolve(call)
        return release.promise
      }
      await using served = await serve({ handle })
      const caller = new AbortController()
      const one = served.call({ key: 'one' }, { signal: caller.signal }).catch(() => undefined)
      const other = served.call({ key: 'other' })
      const call = (await Promise.all([first.promise, second.promise]))[1]
      caller.abort()
      await gone.promise
      requireEqual(call.signal.aborted, false, 'the signal of the other call should have fired:')
      release.resolve({})
      requireSuccess(await other)
      await one
    },
  }),
]
