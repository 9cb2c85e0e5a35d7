import { expect, it, vi } from 'vitest'
import type { Logger } from '../telemetry/log.ts'
import type { Call } from './call.ts'
import { currentCall, runInCall } from './context.ts'
import { detach } from './detach.ts'
import { Gate } from './gate.ts'
import { outgoingMetadata } from './propagation.ts'
import { RunningCall } from './running-call.ts'

const error = vi.fn()
const log: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error, child: () => log }

function runningCall(gate = new Gate()): RunningCall {
  const metadata = { 'x-request-id': 'req-1', traceparent: 'trace' }
  return new RunningCall(
    { id: 'a.A/echo', timeoutMs: 1_000, log, forwarded: ['traceparent'] },
    { transport: 'test', metadata, principal: { id: 'ann' }, decode: () => ({}) },
    gate,
  )
}

it('gives the work the call without its deadline and without its end', async () => {
  const call = runningCall()
  const seen = Promise.withResolvers<Call>()
  const end = Promise.withResolvers<void>()
  runInCall(
    call,
    () =>
      detach(async (detached) => {
        await end.promise
        expect(currentCall()).toBe(detached)
        expect(outgoingMetadata()).toEqual({ 'x-request-id': 'req-1', traceparent: 'trace' })
        seen.resolve(detached)
      }),
    undefined,
  )
  expect(call.signal.aborted).toBe(false)
  call.end(undefined)
  end.resolve()
  const detached = await seen.promise
  expect(detached).toMatchObject({
    id: 'req-1',
    operation: 'a.A/echo',
    principal: { id: 'ann' },
    deadlineAt: undefined,
  })
  expect(detached.remainingMs()).toBe(Number.POSITIVE_INFINITY)
  expect(detached.signal.aborted).toBe(false)
  expect(() => detached.setHeader('x-a', '1')).toThrow(TypeError)
  expect(() => detached.setTrailer('x-a', '1')).toThrow(TypeError)
})

it('is waited for by the drain, and cut at its deadline', async () => {
  const gate = new Gate()
  let signal: AbortSignal | undefined
  runInCall(
    runningCall(gate),
    () =>
      detach((call) => {
        signal = call.signal
        return new Promise(() => undefined)
      }),
    undefined,
  )
  expect(gate.runningCount).toBe(1)
  const idle = gate.shut()
  gate.cutAll()
  await idle
  expect(signal).toMatchObject({ aborted: true, reason: { code: 'unavailable' } })
})

it('logs a failure', async () => {
  const gate = new Gate()
  runInCall(runningCall(gate), () => detach(() => Promise.reject(new Error('no mail server'))), undefined)
  await gate.shut()
  expect(error).toHaveBeenCalledWith(
    { err: expect.objectContaining({ message: 'no mail server' }) },
    'work detached from a.A/echo failed',
  )
})

it('needs a call', () => {
  expect(() => detach(() => undefined)).toThrow(TypeError)
})
