import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { toCallError } from './failed-call.ts'

const settings = { maxResponseBytes: 1_000 }
/** As grpc-js tells of a stream that was reset with CANCEL. */
const reset = { code: status.CANCELLED, details: 'Call cancelled' }

beforeEach(() => {
  vi.useFakeTimers({ now: 10_000 })
})

afterEach(() => {
  vi.useRealTimers()
})

test('a remote that resets a call whose time is over has seen its deadline', () => {
  for (const deadline of [9_000, 10_000, 10_025]) {
    expect(toCallError(reset, settings, deadline)).toMatchObject({ code: 'deadline_exceeded' })
  }
})

test('a remote that resets a call before has cancelled it', () => {
  expect(toCallError(reset, settings, 10_026)).toMatchObject({ code: 'cancelled' })
  expect(toCallError(reset, settings)).toMatchObject({ code: 'cancelled' })
})

test('a call that was cancelled here stays so, whatever its deadline', () => {
  const left = { code: status.CANCELLED, details: 'Cancelled on client' }
  expect(toCallError(left, settings, 9_000)).toMatchObject({ code: 'cancelled' })
})

test('an address that grpc-js cannot read is a connection that failed', () => {
  const unread = { code: status.UNAVAILABLE, details: 'Failed to parse DNS address dns:a:b' }
  expect(toCallError(unread, settings)).toMatchObject({ code: 'unavailable', reason: 'connection_failed' })
})
