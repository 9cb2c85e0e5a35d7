import { describe, expect, it } from 'vitest'
import { type ErrorCode, errorCodes } from './error-code.ts'
import { invalidArgument, isErrorCode, markRemote, ServiceError, toServiceError } from './service-error.ts'

describe('ServiceError', () => {
  it('is recognised across two installed copies, and nothing else is', () => {
    const otherCopy = Object.assign(new Error('x'), { [Symbol.for('tenon.service_error')]: true, code: 'not_found' })
    expect(ServiceError.is(new ServiceError('not_found', 'x'))).toBe(true)
    expect(ServiceError.is(otherCopy)).toBe(true)
    for (const other of [undefined, null, 'not_found', new Error('x'), { code: 'not_found' }])
      expect(ServiceError.is(other)).toBe(false)
  })

  it('has a cause only when one is given', () => {
    expect(new ServiceError('internal', 'x')).not.toHaveProperty('cause')
    expect(new ServiceError('internal', 'x', { cause: 1 })).toMatchObject({ name: 'ServiceError', cause: 1 })
  })
})

describe('invalidArgument', () => {
  const violation = { field: '/x', message: 'is required', rule: 'required' }

  it.each([
    [[], 'the input is invalid'],
    [[violation], '/x is required'],
    [[{ ...violation, field: '' }], 'is required'],
    [[violation, violation, violation], '/x is required (and 2 more)'],
  ])('sums the violations up', (violations, message) => {
    expect(invalidArgument(violations)).toMatchObject({ code: 'invalid_argument', message, details: { violations } })
  })
})

describe('toServiceError', () => {
  it('passes our own errors on', () => {
    const error = new ServiceError('unauthenticated', 'x')
    expect(toServiceError(error)).toBe(error)
  })

  it.each([new Error('password is hunter2'), 'text', undefined, null, { code: 'not_found' }])(
    'makes a fixed internal error of the foreign %s',
    (thrown) => {
      const error = toServiceError(thrown)
      expect(error).toMatchObject({ code: 'internal', message: 'an internal error occurred', details: undefined })
      expect(error.cause).toBe(thrown)
    },
  )

  it.each(Object.keys(errorCodes) as ErrorCode[])(
    'passes on a remote that answered %s only where it means the same',
    (code) => {
      const remote = markRemote(
        new ServiceError(code, 'connect 10.0.0.7:50051', { reason: 'x', details: { retryDelayMs: 5, host: 'x' } }),
      )
      const isPassedOn = ['unavailable', 'deadline_exceeded', 'resource_exhausted', 'cancelled'].includes(code)
      const error = toServiceError(remote)
      expect(error).toMatchObject({ code: isPassedOn ? code : 'internal', reason: undefined, cause: remote })
      expect(error.details).toEqual(isPassedOn ? { retryDelayMs: 5 } : undefined)
      expect(error.message).not.toContain('10.0.0.7')
      expect(toServiceError(error)).toBe(error)
    },
  )
})

it('knows the error codes from other text', () => {
  expect(isErrorCode('not_found')).toBe(true)
  for (const text of ['NOT_FOUND', 'toString', '', '5']) expect(isErrorCode(text)).toBe(false)
})
