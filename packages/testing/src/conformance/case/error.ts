import { type ErrorCode, errorCodes, ServiceError } from '@tenon/core'
import { type ClientChannel, buildClient } from '@tenon/core/client'
import { contract, secret } from '@tenon/core/contract'
import Type from 'typebox'
import { requireEqual, requireFailure, requireTrue } from '../assertion.ts'
import { behavioursOf } from '../behaviour.ts'

const error = behavioursOf('error')
const codes = Object.keys(errorCodes) as readonly ErrorCode[]
const hidden = 'db-7.internal:5432'

/** What a handler fails with, and what its caller learns of it. */
export const errorCases = [
  ...codes.map((code) =>
    error(`${code} is told with its reason`, {
      run: async ({ serve, has }) => {
        const handle = () => {
          throw new ServiceError(code, `it is ${code} – ü`, { reason: 'OUT_OF_LUCK' })
        }
        await using served = await serve({ errors: codes, handle })
        const { message, reason } = requireFailure(await served.call({}), code)
        requireEqual(reason, 'OUT_OF_LUCK', 'the reason should be')
        if (has('error.to_caller')) requireEqual(message, `it is ${code} – ü`, 'the message should be')
      },
    }),
  ),
  error('when to try again is told', {
    needs: ['error.details'],
    run: async ({ serve }) => {
      const handle = () => {
        throw new ServiceError('unavailable', 'not now', { details: { retryDelayMs: 1500 } })
      }
      await using served = await serve({ handle })
      const { details } = requireFailure(await served.call({}), 'unavailable')
      requireEqual(details?.['retryDelayMs'], 1500, 'retryDelayMs should be')
    },
  }),
  error('violations that a handler finds are told like those of a schema', {
    needs: ['error.details'],
    run: async ({ serve }) => {
      const violations = [{ field: '/from', message: 'must be before /to', rule: 'custom' }]
      const handle = () => {
        throw new ServiceError('invalid_argument', 'the period is empty', { details: { violations } })
      }
      await using served = await serve({ errors: ['invalid_argument'], handle })
      const { details } = requireFailure(await served.call({}), 'invalid_argument')
      requireEqual(details?.['violations'], violations, 'the violations should be')
    },
  }),
  error('further details are told as they are', {
    needs: ['error.own_details'],
    run: async ({ serve }) => {
      const facts = { leftCents: 120, accounts: ['a', 'b'], nested: { isOpen: true } }
      const handle = () => {
        throw new ServiceError('failed_precondition', 'not enough', { reason: 'NO_MONEY', details: facts })
      }
      await using served = await serve({ errors: ['failed_precondition'], handle })
      const { details } = requireFailure(await served.call({}), 'failed_precondition')
      requireEqual(details, facts, 'the details should be')
    },
  }),
  error('a foreign exception is internal', {
    run: async ({ serve, has }) => {
      const handle = () => {
        throw new TypeError(`cannot reach ${hidden}`)
      }
      await using served = await serve({ handle })
      const { message } = requireFailure(await served.call({}), 'internal')
      if (has('error.to_caller')) requireEqual(message, 'an internal error occurred', 'the message should be')
      requireTrue(served.logged.includes(hidden), 'the log does not tell what was thrown')
    },
  }),
  error('a thrown value that is no error is internal', {
    run: async ({ serve }) => {
      for (const thrown of ['text', 1, null, undefined, { code: 'not_found' }]) {
        const handle = () => Promise.reject(thrown)
        await using served = await serve({ handle })
        requireFailure(await served.call({}), 'internal')
      }
    },
  }),
  error('nothing of a foreign exception leaves the service', {
    needs: ['error.to_caller'],
    run: async ({ serve }) => {
      const handle = () => {
        throw Object.assign(new Error(`cannot reach ${hidden}`), { reason: hidden, details: { host: hidden } })
      }
      await using served = await serve({ handle })
      const failure = requireFailure(await served.call({}), 'internal')
      requireTrue(!JSON.stringify(failure).includes(hidden), 'internal text left the service')
      requireTrue(!JSON.stringify(failure).includes('.ts:'), 'a stack left the service')
    },
  }),
  error('the cause of an error never leaves the service', {
    needs: ['error.to_caller'],
    run: async ({ serve }) => {
      const handle = () => {
        throw new ServiceError('not_found', 'no such user', { cause: new Error(hidden) })
      }
      await using served = await serve({ errors: ['not_found'], handle })
      const failure = requireFailure(await served.call({}), 'not_found')
      requireTrue(!JSON.stringify(failure).includes(hidden), 'the cause left the service')
    },
  }),
  error('the value of a secret field is in no violation and in no log', {
    run: async ({ serve }) => {
      const password = 'hunter2-hunter2'
      const fields = {
        password: secret(Type.String({ maxLength: 4 })),
        pin: secret(Type.Object({ code: Type.String({ pattern: '^[0-9]+$' }) })),
      }
      await using served = await serve({ fields })
      const failure = requireFailure(await served.call({ password, pin: { code: password } }), 'invalid_argument')
      requireTrue(!JSON.stringify(failure).includes(password), 'a secret value was told')
      requireTrue(!served.logged.includes(password), 'a secret value was logged')
    },
  }),
  ...remoteCodes().map(([code, told]) =>
    error(`${code} of another service is ${told} to the caller, in words of our own`, {
      run: async ({ serve, has }) => {
        const handle = () => remoteThatFails(code).act({})
        await using served = await serve({ handle })
        const failure = requireFailure(await served.call({}), told)
        if (has('error.to_caller'))
          requireTrue(!JSON.stringify(failure).includes(hidden), 'words of the other service left the service')
      },
    }),
  ),
  error('an error of another service that the handler translates is its own', {
    run: async ({ serve }) => {
      const handle = async () => {
        await remoteThatFails('not_found')
          .act({})
          .catch(() => {
            throw new ServiceError('failed_precondition', 'the user is gone', { reason: 'USER_GONE' })
          })
      }
      await using served = await serve({ errors: ['failed_precondition'], handle })
      const { reason } = requireFailure(await served.call({}), 'failed_precondition')
      requireEqual(reason, 'USER_GONE')
    },
  }),
]

/** Of the codes of a callee, those that mean the same to our caller; the others concern only us. */
function remoteCodes(): readonly (readonly [code: ErrorCode, told: ErrorCode])[] {
  const passedOn: readonly ErrorCode[] = ['unavailable', 'deadline_exceeded', 'resource_exhausted', 'cancelled']
  return codes.map((code) => [code, passedOn.includes(code) ? code : 'internal'])
}

/** The client of another service, which answers every call with the code. */
function remoteThatFails(code: ErrorCode) {
  const other = contract('tenon.conformance.v1.OtherService', {
    act: { input: Type.Object({}), output: Type.Object({}) },
  })
  const unary = () => Promise.reject(new ServiceError(code, `${hidden} said so`))
  const channel: Pick<ClientChannel, 'unary'> = { unary }
  return buildClient(other, channel as ClientChannel)
}
