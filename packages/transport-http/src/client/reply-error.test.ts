import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { httpStatus } from '../http-status.ts'
import { toProblem } from '../reply/problem.ts'
import { fromErrorRecord, toReplyError } from './reply-error.ts'

const problemHeaders = { 'content-type': 'application/problem+json; charset=utf-8' }
const read = (status: number, body: unknown, headers: Record<string, string> = problemHeaders) =>
  toReplyError({ status, headers }, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))

const plain = ({ code, message, reason, details }: ServiceError) => ({ code, message, reason, details })

test('what a server makes a problem of is read back as it was, for every code', () => {
  for (const code of Object.keys(httpStatus) as (keyof typeof httpStatus)[]) {
    const violations = [{ field: '/a', message: 'must be text', rule: 'type' }]
    const error = new ServiceError(code, 'no', {
      reason: 'because',
      details: { violations, retryDelayMs: 1_500, rank: 1 },
    })
    expect(plain(read(httpStatus[code], toProblem(error, {})))).toEqual(plain(error))
    const bare = new ServiceError(code, '')
    expect(plain(read(httpStatus[code], toProblem(bare, {}), { ...problemHeaders, 'retry-after': '1' }))).toEqual(
      plain(bare),
    )
    expect(plain(fromErrorRecord({ error: toProblem(error, {}) }) ?? error)).toEqual(plain(error))
  }
})

test('a problem of somebody else gets its code from the status and its words from the document', () => {
  const foreign = { type: 'https://example.com/full', title: 'Full', detail: 'no room', code: 17 }
  expect(plain(read(503, foreign))).toEqual({
    code: 'unavailable',
    message: 'no room',
    reason: 'http_503',
    details: undefined,
  })
  expect(read(409, { title: 'Twice' })).toMatchObject({ code: 'aborted', message: 'Twice' })
})

test.each([
  [400, 'invalid_argument'],
  [401, 'unauthenticated'],
  [403, 'permission_denied'],
  [404, 'not_found'],
  [405, 'unimplemented'],
  [409, 'aborted'],
  [412, 'failed_precondition'],
  [418, 'invalid_argument'],
  [429, 'resource_exhausted'],
  [500, 'internal'],
  [502, 'unavailable'],
  [503, 'unavailable'],
  [504, 'deadline_exceeded'],
  [599, 'internal'],
  [304, 'unknown'],
] as const)('a %i that is no problem is %s, whatever its body', (status, code) => {
  const expected = { code, reason: `http_${status}`, message: `the remote answered with status ${status}` }
  expect(read(status, '<html>Bad Gateway</html>', { 'content-type': 'text/html' })).toMatchObject(expected)
  expect(read(status, '', {})).toMatchObject(expected)
  expect(read(status, '{"code":', problemHeaders)).toMatchObject(expected)
  // Not a problem by its type, so its words are nobody's promise.
  expect(read(status, { code: 'not_found' }, { 'content-type': 'application/json' })).toMatchObject(expected)
})

test('a Retry-After of somebody else is a delay, in seconds or as a date', () => {
  const delayOf = (value: string) => read(503, '', { 'retry-after': value }).details?.retryDelayMs
  expect(delayOf('7')).toBe(7_000)
  expect(delayOf(new Date(Date.now() - 60_000).toUTCString())).toBe(0)
  expect(delayOf(new Date(Date.now() + 3_600_000).toUTCString())).toBeGreaterThan(3_000_000)
  for (const value of ['soon', '-1', '1e3', '']) expect(delayOf(value), value).toBeUndefined()
})

test('a redirect is not followed, and tells where it leads', () => {
  expect(read(302, '', { location: 'https://elsewhere/' })).toMatchObject({
    code: 'unknown',
    reason: 'http_302',
    details: { location: 'https://elsewhere/' },
  })
})

test('an item that has a field named error is no failure unless it is a problem', () => {
  for (const record of [
    { error: 'x' },
    { error: { code: 'not_found' } },
    { error: { code: 'lost', status: 1 } },
    [1],
    null,
    1,
  ])
    expect(fromErrorRecord(record)).toBeUndefined()
  const problem = toProblem(new ServiceError('aborted', 'no'), {})
  expect(fromErrorRecord({ error: problem, more: 1 })).toBeUndefined()
})
