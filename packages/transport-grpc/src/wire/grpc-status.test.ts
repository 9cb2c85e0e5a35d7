import { Metadata, status } from '@grpc/grpc-js'
import { errorCodes, isErrorCode, ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { fromStatus, grpcStatus, readTrailers, toStatus } from './grpc-status.ts'

test('every code has the status of its number and name', () => {
  expect(grpcStatus).toEqual(errorCodes)
  for (const [code, number] of Object.entries(grpcStatus)) expect(status[number]).toBe(code.toUpperCase())
})

test('an error comes back as it went, whatever its code', () => {
  for (const code of Object.keys(errorCodes).filter(isErrorCode)) {
    const sent = new ServiceError(code, 'no such user', { reason: 'gone', details: { retryDelayMs: 10 } })
    const { message, reason, details, code: received } = fromStatus(toStatus(sent, { domain: 'user' }))
    expect({ code: received, message, reason, details }).toEqual({
      code,
      message: 'no such user',
      reason: 'gone',
      details: { retryDelayMs: 10 },
    })
  }
})

test('trailers travel with an error as far as there is room, and the others are named', () => {
  const trailers = { 'x-cost': '12', 'x-long': 'a'.repeat(8_000), 'grpc-status': '0' }
  const refused: string[] = []
  const sent = toStatus(new ServiceError('aborted', 'x'.repeat(900), { reason: 'tired' }), {
    domain: 'user',
    callId: 'req-1',
    trailers,
    onRefused: (what, names) => refused.push(what, ...names),
  })
  expect(refused).toEqual(['trailers', 'x-long', 'grpc-status'])
  expect(readTrailers(sent)).toEqual({ 'x-cost': '12', 'x-request-id': 'req-1' })
  expect(readTrailers({})).toEqual({})
})

test("an error's own details have the room that the others leave, before trailers, and what does not fit is named", () => {
  const violations = [{ field: '/items', message: 'too many', rule: 'custom' }]
  const entries = Array.from({ length: 80 }, (_, index) => [`entry${index}`, 'x'.repeat(100)])
  const own: Record<string, string> = Object.fromEntries(entries)
  const refused: Record<string, readonly string[]> = {}
  const sent = toStatus(new ServiceError('aborted', 'x'.repeat(900), { details: { violations, ...own } }), {
    domain: 'user',
    trailers: { 'x-long': 'a'.repeat(1_000), 'x-cost': '12' },
    onRefused: (what, names) => void (refused[what] = names),
  })
  const { violations: kept, ...found } = fromStatus(sent).details ?? {}
  const count = Object.keys(found).length
  expect(count).toBeGreaterThan(35)
  expect(kept).toEqual(violations)
  expect(found).toEqual(Object.fromEntries(entries.slice(0, count)))
  expect(refused).toEqual({ details: Object.keys(own).slice(count), trailers: ['x-long'] })
})

test('a name of the call that a service set itself stays', () => {
  const sent = toStatus(new ServiceError('aborted', 'enough'), {
    domain: 'user',
    callId: 'req-1',
    trailers: { 'x-request-id': 'own' },
  })
  expect(readTrailers(sent)).toEqual({ 'x-request-id': 'own' })
})

test('a cause is never sent', () => {
  const { details, metadata } = toStatus(new ServiceError('internal', 'failed', { cause: new Error('secret') }), {
    domain: 'user',
  })
  expect([details, metadata.getMap()]).toEqual(['failed', {}])
})

test('a message that cannot be a header is made one', () => {
  expect(toStatus(new ServiceError('not_found', 'user \ud83d'), { domain: 'user' }).details).toBe('user \ufffd')
})

test('a long message is cut by its length on the wire, where every byte beyond ASCII takes three', () => {
  const lineOf = (message: string) => toStatus(new ServiceError('not_found', message), { domain: 'user' }).details
  expect(lineOf('x'.repeat(1_024))).toBe('x'.repeat(1_024))
  expect(lineOf('x'.repeat(100_000))).toBe(`${'x'.repeat(1_015)}…`)
  expect(lineOf('\u20ac'.repeat(113))).toBe('\u20ac'.repeat(113))
  expect(lineOf('\u20ac'.repeat(114))).toBe(`${'\u20ac'.repeat(112)}…`)
  expect(lineOf('\u{1f600}'.repeat(100_000))).toBe(`${'\u{1f600}'.repeat(84)}…`)
})

test('a status that nobody knows, or without metadata, is still an error', () => {
  expect(fromStatus({ code: 99, details: 'odd' })).toMatchObject({ code: 'unknown', message: 'odd' })
  const metadata = new Metadata()
  metadata.set('grpc-status-details-bin', Buffer.from([0xff]))
  expect(fromStatus({ code: 5, details: 'gone', metadata })).toMatchObject({ code: 'not_found', details: undefined })
})
