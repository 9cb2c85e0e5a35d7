import type { Principal } from '@tenon/core'
import Type from 'typebox'
import { requireEqual, requireFailure, requireSuccess } from '../assertion.ts'
import { type BehaviourOptions, behavioursOf } from '../behaviour.ts'
import type { Offer } from '../stage.ts'
import { authenticate, people } from './people.ts'

const access = behavioursOf('access')

type Answer = 'let in' | 'unauthenticated' | 'permission_denied' | 'internal'

/** What becomes of a call by each of them, and by one that shows no credential. */
interface Expected {
  readonly ada: Answer
  readonly bob: Answer
  readonly nil: Answer
  readonly nobody: Answer
}

function lets(offer: Offer, expected: Expected): BehaviourOptions {
  return {
    needs: ['access'],
    run: async ({ serve }) => {
      await using served = await serve({ ...offer, service: { authenticate, ...offer.service } })
      const found: Record<string, string> = {}
      for (const name of Object.keys(expected)) {
        const metadata: Record<string, string> = name === 'nobody' ? {} : { authorization: `Bearer ${name}` }
        const reply = await served.call({ key: name }, { metadata })
        found[name] = reply.ok ? 'let in' : reply.code
      }
      requireEqual(found, expected, 'callers should be answered')
      const letIn = Object.entries(expected).flatMap(([key, answer]) => (answer === 'let in' ? [{ key }] : []))
      requireEqual(served.inputs, letIn, 'the handler should be given')
    },
  }
}

const everybody: Expected = { ada: 'let in', bob: 'let in', nil: 'let in', nobody: 'let in' }
const known: Expected = { ...everybody, nobody: 'unauthenticated' }
const onlyAda: Expected = { ...known, bob: 'permission_denied', nil: 'permission_denied' }

/** Who may call. */
export const accessCases = [
  access('public lets everybody in', lets({ access: 'public' }, everybody)),
  access('authenticated lets every known caller in', lets({ access: 'authenticated' }, known)),
  access('an operation without a rule is for known callers once there is an authenticator', lets({}, known)),
  access(
    'the default of the service is for operations without a rule',
    lets({ service: { defaultAccess: 'public' } }, everybody),
  ),
  access(
    "an operation's own rule comes before the default",
    lets({ access: { roles: ['admin'] }, service: { defaultAccess: 'public' } }, onlyAda),
  ),
  access('one of the roles is enough', lets({ access: { roles: ['owner', 'editor'] } }, onlyAda)),
  access('every one of the scopes is needed', lets({ access: { scopes: ['user:read', 'user:write'] } }, onlyAda)),
  access('a check decides', lets({ access: { check: ({ id }) => id === 'ada' } }, onlyAda)),
  access('a check may take its time', lets({ access: { check: async ({ id }) => id === 'ada' } }, onlyAda)),
  access(
    'a check that throws lets nobody in',
    lets(
      {
        access: {
          check: () => {
            throw new Error('the directory is down')
          },
        },
      },
      { ada: 'internal', bob: 'internal', nil: 'internal', nobody: 'unauthenticated' },
    ),
  ),
  access(
    'only true is yes',
    lets({ access: { check: () => 'yes' as unknown as boolean } }, { ...onlyAda, ada: 'permission_denied' }),
  ),
  access('a credential that is not valid is unauthenticated, also where everybody may call', {
    needs: ['access'],
    run: async ({ serve }) => {
      await using served = await serve({ access: 'public', service: { authenticate } })
      requireFailure(await served.call({}, { metadata: { authorization: 'Bearer nemo' } }), 'unauthenticated')
      requireEqual(served.inputs, [])
    },
  }),
  access('a caller that may not call learns nothing of what is wrong with its input', {
    needs: ['access'],
    run: async ({ serve }) => {
      const fields = { name: Type.String() }
      await using served = await serve({ fields, access: { roles: ['admin'] }, service: { authenticate } })
      requireFailure(await served.call({}), 'unauthenticated')
      requireFailure(await served.call({}, { metadata: { authorization: 'Bearer bob' } }), 'permission_denied')
      requireFailure(await served.call({}, { metadata: { authorization: 'Bearer ada' } }), 'invalid_argument')
    },
  }),
  access('the handler knows who calls', {
    needs: ['access'],
    run: async ({ serve }) => {
      const seen: unknown[] = []
      const handle: Offer['handle'] = (_input, { principal }) => {
        seen.push(principal)
        return {}
      }
      await using served = await serve({ handle, service: { authenticate } })
      requireSuccess(await served.call({}, { metadata: { authorization: 'Bearer ada' } }))
      requireEqual(seen, [people['ada']])
    },
  }),
  access('a policy decides by the input, once it has been validated', {
    needs: ['access'],
    run: async ({ serve }) => {
      const fields = { userId: Type.String({ minLength: 2 }) }
      const policy = (principal: Principal | undefined, { userId }: { readonly userId: string }) =>
        principal?.id === userId
      await using served = await serve({
        fields,
        policy: policy as Offer['policy'] & object,
        service: { authenticate },
      })
      const choices = { metadata: { authorization: 'Bearer ada' } }
      requireSuccess(await served.call({ userId: 'ada' }, choices))
      requireFailure(await served.call({ userId: 'bob' }, choices), 'permission_denied')
      requireFailure(await served.call({ userId: 'a' }, choices), 'invalid_argument')
      requireEqual(served.inputs, [{ userId: 'ada' }], 'the handler should be given')
    },
  }),
]
