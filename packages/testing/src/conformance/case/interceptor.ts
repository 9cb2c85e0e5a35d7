import { type Interceptor, ServiceError } from '@tenon/core'
import Type from 'typebox'
import { requireEqual, requireFailure, requireSuccess } from '../assertion.ts'
import { behavioursOf } from '../behaviour.ts'

const interceptor = behavioursOf('interceptor')

/** What a service puts around its handlers. */
export const interceptorCases = [
  interceptor('the first is the outermost, and each runs once around the handler', {
    run: async ({ serve }) => {
      const steps: string[] = []
      const around =
        (name: string): Interceptor =>
        async (_call, next) => {
          steps.push(`${name} before`)
          const output = await next()
          steps.push(`${name} after`)
          return output
        }
      const handle = () => {
        steps.push('handler')
        return {}
      }
      await using served = await serve({ handle, service: { interceptors: [around('outer'), around('inner')] } })
      requireSuccess(await served.call({}))
      requireEqual(steps, ['outer before', 'inner before', 'handler', 'inner after', 'outer after'])
    },
  }),
  interceptor('one that does not go on answers in place of the handler', {
    run: async ({ serve, has }) => {
      const answer: Interceptor = async () => ({ text: 'from memory' })
      const output = Type.Object({ text: Type.String() })
      await using served = await serve({ output, service: { interceptors: [answer] } })
      const reply = requireSuccess(await served.call({}))
      if (has('output')) requireEqual(reply.output, { text: 'from memory' })
      requireEqual(served.inputs, [], 'the handler should be given')
    },
  }),
  interceptor('one goes on once: a second next() is refused, and the handler runs once', {
    run: async ({ serve }) => {
      const seen: string[] = []
      await using served = await serve({ service: { interceptors: [goingOnTwice(seen)] } })
      requireSuccess(await served.call({ key: 'a' }))
      requireEqual(seen, ['refused'], 'the second next() should be')
      requireEqual(served.inputs, [{ key: 'a' }], 'the handler should be given')
    },
  }),
  interceptor('one that throws fails the call with its code', {
    run: async ({ serve }) => {
      const refuse: Interceptor = () => Promise.reject(new ServiceError('failed_precondition', 'closed today'))
      await using served = await serve({ service: { interceptors: [refuse] } })
      requireFailure(await served.call({}), 'failed_precondition')
      requireEqual(served.inputs, [], 'the handler should be given')
    },
  }),
  interceptor('one that breaks is internal', {
    run: async ({ serve }) => {
      const broken: Interceptor = async (_call, next) => {
        await next()
        throw new TypeError('broken')
      }
      await using served = await serve({ service: { interceptors: [broken] } })
      requireFailure(await served.call({}), 'internal')
    },
  }),
  interceptor('an input that does not fit reaches none', {
    run: async ({ serve }) => {
      let count = 0
      const counting: Interceptor = (_call, next) => {
        count += 1
        return next()
      }
      await using served = await serve({
        fields: { n: Type.Integer({ minimum: 0 }) },
        service: { interceptors: [counting] },
      })
      requireFailure(await served.call({ n: -1 }), 'invalid_argument')
      requireSuccess(await served.call({ n: 1 }))
      requireEqual(count, 1, 'calls that reach the interceptor should be')
    },
  }),
]

/** An interceptor that calls `next` a second time, and notes whether it was let on. */
export function goingOnTwice(seen: string[]): Interceptor {
  return async (_call, next) => {
    const output = await next()
    seen.push(
      await next().then(
        () => 'let on',
        () => 'refused',
      ),
    )
    return output
  }
}
