import { errorCodes, isErrorCode, ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { httpStatus, requestFault, requestFaults, statusOf } from '../http-status.ts'
import { retryAfterSeconds, toProblem } from './problem.ts'

const asSent = (problem: object): unknown => JSON.parse(JSON.stringify(problem))

test('every code has a status of an error', () => {
  for (const code of Object.keys(errorCodes).filter(isErrorCode)) {
    expect(statusOf(new ServiceError(code, 'x'))).toBe(httpStatus[code])
    expect(httpStatus[code]).toBeGreaterThanOrEqual(400)
  }
})

test('a request fault has its own status, but only with its own code', () => {
  expect(statusOf(requestFault('unsupported_media_type', 'x'))).toBe(415)
  expect(statusOf(requestFault('body_too_large', 'x'))).toBe(413)
  expect(statusOf(new ServiceError('not_found', 'x', { reason: 'unsupported_media_type' }))).toBe(404)
  expect(statusOf(new ServiceError('not_found', 'x', { reason: 'toString' }))).toBe(404)
  for (const { code, status } of Object.values(requestFaults)) expect([code, status]).not.toContain(200)
})

test('a problem tells code, reason, violations and details, and never a cause or a stack', () => {
  const violation = { field: '/name', message: 'must not be empty', rule: 'minLength' }
  const error = new ServiceError('invalid_argument', 'the name is empty', {
    reason: 'empty_name',
    details: { violations: [violation], sku: 'A1' },
    cause: new Error('secret'),
  })
  expect(asSent(toProblem(error, { instance: '/v1/users', callId: 'call-1' }))).toEqual({
    type: 'about:blank',
    title: 'Bad Request',
    status: 400,
    detail: 'the name is empty',
    instance: '/v1/users',
    code: 'invalid_argument',
    reason: 'empty_name',
    errors: [violation],
    callId: 'call-1',
    details: { sku: 'A1' },
  })
})

test('what an error does not say is left out', () => {
  expect(asSent(toProblem(new ServiceError('cancelled', 'gone'), {}))).toEqual({
    type: 'about:blank',
    title: 'Client Closed Request',
    status: 499,
    detail: 'gone',
    code: 'cancelled',
  })
})

test('Retry-After is given in whole seconds where trying again helps', () => {
  const retryDelayMs = 1200
  expect(retryAfterSeconds(new ServiceError('aborted', 'x', { details: { retryDelayMs } }))).toBe(2)
  expect(retryAfterSeconds(new ServiceError('unavailable', 'x'))).toBe(1)
  expect(retryAfterSeconds(new ServiceError('resource_exhausted', 'x'))).toBe(1)
  expect(retryAfterSeconds(new ServiceError('not_found', 'x'))).toBeUndefined()
  expect(retryAfterSeconds(requestFault('body_too_large', 'x'))).toBeUndefined()
})
