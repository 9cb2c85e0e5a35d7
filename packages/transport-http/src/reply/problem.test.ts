import { errorCodes, isErrorCode, ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { httpStatus, requestFault, requestFaults, statusOf } from '../http-status.ts'
import { problemHeaders, problemTypeFor, retryAfterSeconds, toProblem } from './problem.ts'

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

test('a problem is sent as JSON to who takes that and not its own type, and is never kept back', () => {
  const own = 'application/problem+json; charset=utf-8'
  const plain = 'application/json; charset=utf-8'
  for (const accept of [
    undefined,
    '*/*',
    'application/*',
    'application/json, application/problem+json;q=0.1',
    'text/html',
  ])
    expect([accept, problemTypeFor(accept)]).toEqual([accept, own])
  for (const accept of ['application/json', 'application/json, text/html', 'application/problem+json;q=0, */*'])
    expect([accept, problemTypeFor(accept)]).toEqual([accept, plain])
})

test('a body of a wrong type is told what would have been taken', () => {
  const type = requestFault('unsupported_media_type', 'x', { accept: 'application/json' })
  expect(problemHeaders(type, 'PUT')).toEqual({ accept: 'application/json' })
  expect(problemHeaders(type, 'POST')).toEqual({ accept: 'application/json', 'accept-post': 'application/json' })
  expect(problemHeaders(type, 'PATCH')).toEqual({ accept: 'application/json', 'accept-patch': 'application/json' })
  const encoded = requestFault('unsupported_media_type', 'x', { acceptEncoding: 'identity' })
  expect(problemHeaders(encoded, 'POST')).toEqual({ 'accept-encoding': 'identity' })
  expect(problemHeaders(new ServiceError('aborted', 'x', { details: { accept: 'text/html' } }), 'POST')).toEqual({})
  expect(problemHeaders(new ServiceError('unavailable', 'x'), 'GET')).toEqual({ 'retry-after': '1' })
})
