import { context, propagation, type TextMapPropagator } from '@opentelemetry/api'
import { afterEach, describe, expect, it } from 'vitest'
import type { Call } from './call.ts'
import { type AmbientCall, currentCall, runInCall } from './context.ts'
import { forwardedByDefault, outgoingMetadata } from './propagation.ts'

const callNamed = (id: string, metadata: Call['metadata'] = {}) =>
  ({ id, metadata, forwarded: forwardedByDefault }) as AmbientCall
const idNow = () => currentCall()?.id

describe('currentCall', () => {
  it('is the call that the code belongs to, across awaits and side by side', async () => {
    const run = async (name: string) => {
      const seen = [idNow()]
      await Promise.resolve()
      seen.push(idNow())
      await new Promise((resolve) => setImmediate(resolve))
      return [...seen, idNow(), name]
    }
    const both = await Promise.all([runInCall(callNamed('a'), run, 'a'), runInCall(callNamed('b'), run, 'b')])
    expect(both).toEqual([
      ['a', 'a', 'a', 'a'],
      ['b', 'b', 'b', 'b'],
    ])
    expect(currentCall()).toBeUndefined()
  })

  it('is the inner of two calls while that one runs', () => {
    const inner = () => runInCall(callNamed('inner'), idNow, undefined)
    expect(runInCall(callNamed('outer'), () => [idNow(), inner(), idNow()], undefined)).toEqual([
      'outer',
      'inner',
      'outer',
    ])
  })

  it('belongs to whoever takes the step of an async generator, which is why streams are stepped inside their call', async () => {
    async function* ids() {
      for (;;) yield idNow()
    }
    const started = runInCall(callNamed('a'), ids, undefined)
    expect((await started.next()).value).toBeUndefined()
    expect((await runInCall(callNamed('a'), () => started.next(), undefined)).value).toBe('a')
  })
})

describe('outgoingMetadata', () => {
  afterEach(() => propagation.disable())

  const metadata = {
    traceparent: '00-a-b-01',
    tracestate: 'x=1',
    baggage: 'k=v',
    authorization: 'Bearer x',
    'grpc-timeout': '1S',
  }

  it('inherits trace and request id of the running call, and neither credentials nor a deadline', () => {
    expect(runInCall(callNamed('req-1', metadata), outgoingMetadata, undefined)).toEqual({
      'x-request-id': 'req-1',
      traceparent: '00-a-b-01',
      tracestate: 'x=1',
      baggage: 'k=v',
    })
    expect(runInCall(callNamed('req-2'), outgoingMetadata, undefined)).toEqual({ 'x-request-id': 'req-2' })
  })

  it('is empty outside of a call', () => {
    expect(outgoingMetadata()).toEqual({})
  })

  it('lets a registered SDK put its active span in the place of the trace that came in', () => {
    const propagator: TextMapPropagator = {
      inject: (_context, carrier, setter) => setter.set(carrier, 'traceparent', '00-own-span-01'),
      extract: () => context.active(),
      fields: () => ['traceparent'],
    }
    propagation.setGlobalPropagator(propagator)
    expect(runInCall(callNamed('req-1', metadata), outgoingMetadata, undefined)).toMatchObject({
      traceparent: '00-own-span-01',
    })
  })
})
