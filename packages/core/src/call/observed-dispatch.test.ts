import { type Attributes, type Context, context, metrics, propagation, trace } from '@opentelemetry/api'
import { AlwaysOffSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import { describe, expect, it, vi } from 'vitest'
import { ServiceError } from '../error/service-error.ts'
import { forgetTelemetry, recordTelemetry } from '../telemetry/recorded.test-harness.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Arrival } from './arrival.ts'
import { detach } from './detach.ts'
import { allOf, dispatcherFor, echo, errorOf, type Given, itemsOf } from './dispatcher.test-harness.ts'
import { outgoingMetadata } from './propagation.ts'
import type { Invoke } from './rule/interceptor.ts'

type Dispatcher = ReturnType<typeof dispatcherFor>

const traceId = '0af7651916cd43dd8448eb211c80319c'
const traceparent = `00-${traceId}-b7ad6b7169203331-01`
const activeId = () => trace.getActiveSpan()?.spanContext().spanId

describe('a call that came', () => {
  it('has one span, from its arrival to its outcome, in which its handler runs', async () => {
    const { spans } = recordTelemetry()
    const { send } = dispatcherFor(async (input) => {
      await Promise.resolve()
      seen.push(activeId())
      return input
    })
    const seen: (string | undefined)[] = []
    await send()
    const [span, ...others] = spans()
    expect(others).toEqual([])
    expect(span).toMatchObject({ name: 'a.A/echo', kind: 'SERVER', parent: undefined, status: 'UNSET', events: [] })
    expect(span?.attributes).toEqual({ 'tenon.call.transport': 'test', 'tenon.call.operation': 'a.A/echo' })
    expect(seen).toEqual([span?.spanId])
  })

  it.each([
    ['cancelled', 'UNSET'],
    ['unknown', 'ERROR'],
    ['invalid_argument', 'UNSET'],
    ['deadline_exceeded', 'ERROR'],
    ['not_found', 'UNSET'],
    ['already_exists', 'UNSET'],
    ['permission_denied', 'UNSET'],
    ['resource_exhausted', 'UNSET'],
    ['failed_precondition', 'UNSET'],
    ['aborted', 'UNSET'],
    ['out_of_range', 'UNSET'],
    ['unimplemented', 'ERROR'],
    ['internal', 'ERROR'],
    ['unavailable', 'ERROR'],
    ['data_loss', 'ERROR'],
    ['unauthenticated', 'UNSET'],
  ] as const)('that fails with %s has status %s', async (code, status) => {
    const { spans } = recordTelemetry()
    const { send } = dispatcherFor(() => {
      throw new ServiceError(code, 'no')
    })
    await send()
    const [span] = spans()
    expect(span?.status).toBe(status)
    expect(span?.attributes['error.type']).toBe(status === 'ERROR' ? code : undefined)
    expect(span?.events).toEqual([])
  })

  it('tells once of an exception that nobody meant as an answer', async () => {
    const { spans } = recordTelemetry()
    const { send } = dispatcherFor(() => {
      throw new Error('a bug')
    })
    await send()
    expect(spans()).toMatchObject([
      { status: 'ERROR', events: ['exception'], attributes: { 'error.type': 'internal' } },
    ])
  })

  it('that is refused while the service drains has a span too', async () => {
    const { spans } = recordTelemetry()
    const { send, gate } = dispatcherFor(echo)
    await gate.shut()
    expect(errorOf(await send()).code).toBe('unavailable')
    expect(spans()).toMatchObject([{ status: 'ERROR', attributes: { 'error.type': 'unavailable' } }])
  })

  it('that is cut at the end of a drain, or whose deadline passes, ends its span then, though its handler goes on', async () => {
    const { spans } = recordTelemetry()
    const { send, gate } = dispatcherFor(() => new Promise(() => undefined))
    const late = send({ timeoutMs: 1 })
    expect(errorOf(await late).code).toBe('deadline_exceeded')
    const cut = send()
    gate.cutAll()
    expect(errorOf(await cut).code).toBe('unavailable')
    expect(spans().map(({ attributes }) => attributes['error.type'])).toEqual(['deadline_exceeded', 'unavailable'])
  })

  it('whose caller leaves is no error of the service', async () => {
    const { spans } = recordTelemetry()
    const caller = new AbortController()
    const { send } = dispatcherFor(async (_input, { signal }) => {
      caller.abort()
      throw signal.reason
    })
    expect(errorOf(await send({ signal: caller.signal })).code).toBe('cancelled')
    expect(spans()).toMatchObject([{ status: 'UNSET' }])
  })
})

describe('the line of a call', () => {
  /** A log that notes the spans in which its lines are written. */
  function tracedLog() {
    const writtenIn: (string | undefined)[] = []
    const note = () => void writtenIn.push(activeId())
    const log: Logger = { debug: note, info: note, warn: note, error: note, child: () => log }
    return { log, writtenIn }
  }
  const hanging = () => new Promise(() => undefined)

  it.each<[string, Given, Invoke, (made: Dispatcher) => Promise<unknown>]>([
    ['whose deadline passes', {}, hanging, ({ send }) => send({ timeoutMs: 1 })],
    [
      'that is cut at the end of a drain',
      {},
      hanging,
      async ({ send, gate }) => {
        const cut = send()
        gate.cutAll()
        await cut
      },
    ],
    [
      'whose reader leaves',
      { kind: 'server_stream' },
      async function* () {
        for (;;) yield { text: 'a' }
      },
      async ({ send }) => {
        const items = itemsOf(await send())
        await items.next()
        await items.return?.()
      },
    ],
  ])('%s is written in its span, wherever its end is noticed', async (_what, given, handler, call) => {
    const { spans } = recordTelemetry()
    const { log, writtenIn } = tracedLog()
    const made = dispatcherFor(handler, { log, ...given })
    // A timer, or a reader, is of the code that began it: here of another span.
    await trace.getTracer('test').startActiveSpan('another', () => call(made))
    await vi.waitFor(() => expect(writtenIn).toEqual([spans()[0]?.spanId]))
  })
})

describe('a stream', () => {
  const streaming = { kind: 'server_stream' } as const

  it('has a span until its last item, and each step runs in it', async () => {
    const { spans } = recordTelemetry()
    const seen: (string | undefined)[] = []
    const { send } = dispatcherFor(async function* () {
      for (const text of ['a', 'b']) {
        seen.push(activeId())
        yield { text }
      }
    }, streaming)
    const items = itemsOf(await send())
    await items.next()
    expect(spans()).toEqual([])
    await allOf(items)
    const [span] = spans()
    expect(span?.status).toBe('UNSET')
    expect(seen).toEqual([span?.spanId, span?.spanId])
  })

  it('ends its span when its reader leaves, and when it fails', async () => {
    const { spans } = recordTelemetry()
    const { send } = dispatcherFor(async function* () {
      yield { text: 'a' }
      throw new Error('a bug')
    }, streaming)
    const left = itemsOf(await send())
    await left.next()
    await left.return?.()
    await expect(allOf(itemsOf(await send()))).rejects.toThrow()
    expect(spans().map(({ status, events }) => [status, events])).toEqual([
      ['UNSET', []],
      ['ERROR', ['exception']],
    ])
  })
})

describe('a trace', () => {
  const forwarded = ['traceparent', 'tracestate', 'baggage']
  /** What a handler sends on, and what it finds in the baggage. */
  function passOn(given: Given = {}) {
    const seen: { readonly sent: Record<string, string>; readonly tenant: string | undefined }[] = []
    const { send, dispatch, lines } = dispatcherFor(
      (input, call) => {
        seen.push({
          sent: outgoingMetadata(),
          tenant: propagation.getActiveBaggage()?.getEntry('tenant')?.value,
        })
        call.log.info({}, 'handled')
        return input
      },
      { forwarded, ...given },
    )
    return { send, dispatch, lines, seen }
  }

  it('goes on through a call, with its state and its baggage', async () => {
    const { spans } = recordTelemetry()
    const { send, seen } = passOn()
    await send({ metadata: { traceparent, tracestate: 'a=b', baggage: 'tenant=acme' } })
    const [span] = spans()
    expect(span).toMatchObject({ traceId, parent: '(unknown)' })
    const { 'x-request-id': _id, ...sent } = seen[0]?.sent ?? {}
    expect(sent).toEqual({
      traceparent: `00-${traceId}-${span?.spanId}-01`,
      tracestate: 'a=b',
      baggage: 'tenant=acme',
    })
    expect(seen[0]?.tenant).toBe('acme')
  })

  it.each(['', 'nonsense', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, `ff-${traceId}-b7ad6b7169203331-01`])(
    'begins anew where traceparent is malformed: "%s"',
    async (malformed) => {
      const { spans } = recordTelemetry()
      const { send, seen } = passOn()
      await send({ metadata: { traceparent: malformed, tracestate: 'a=b' } })
      const [span] = spans()
      expect(span?.parent).toBeUndefined()
      expect(seen[0]?.sent['traceparent']).toBe(`00-${span?.traceId}-${span?.spanId}-01`)
      expect(seen[0]?.sent).not.toHaveProperty('tracestate')
    },
  )

  it('that is not sampled costs no attributes, and those it calls are told so', async () => {
    const { spans } = recordTelemetry({ sampler: new AlwaysOffSampler() })
    const { send, seen } = passOn()
    const spanAttributes = vi.fn(() => ({}))
    await send({ spanAttributes })
    expect(spans()).toEqual([])
    expect(spanAttributes).not.toHaveBeenCalled()
    expect(seen[0]?.sent['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  })

  it('that its caller does not record is not recorded here, and told so on', async () => {
    const { spans } = recordTelemetry()
    const { send, seen } = passOn()
    await send({ metadata: { traceparent: traceparent.replace(/01$/, '00') } })
    expect(spans()).toEqual([])
    expect(seen[0]?.sent['traceparent']).toMatch(new RegExp(`^00-${traceId}-(?!b7ad6b7169203331)[0-9a-f]{16}-00$`))
  })

  it('goes on without a context manager, which an application may leave out', async () => {
    const { spans } = recordTelemetry({ hasContextManager: false })
    const { send, seen } = passOn()
    await send({ metadata: { traceparent } })
    expect(seen[0]?.sent['traceparent']).toBe(`00-${traceId}-${spans()[0]?.spanId}-01`)
  })

  it('is passed on as it came without an SDK, of which nothing is asked then', async () => {
    const { dispatch, seen } = passOn()
    const asked = vi.fn()
    const arrival: Arrival = {
      transport: 'test',
      decode: () => ({ text: 'hi' }),
      metadata: { traceparent, tracestate: 'a=b', baggage: 'tenant=acme' },
      get convention() {
        return asked()
      },
      get follows() {
        return asked()
      },
      spanAttributes: asked,
    }
    await dispatch(arrival)
    expect(seen[0]?.sent).toMatchObject(arrival.metadata)
    expect(asked).not.toHaveBeenCalled()
  })

  it('is that of the log lines, also of those that are written when the call has been cut', async () => {
    const { spans } = recordTelemetry()
    const { send, lines } = passOn({ loggedCalls: 'all' })
    await send({ metadata: { traceparent: 'nonsense' } })
    expect(lines.map(({ fields }) => fields['traceId'])).toContain(spans()[0]?.traceId)
    const hanging = dispatcherFor(() => new Promise(() => undefined), { loggedCalls: 'all' })
    await hanging.send({ timeoutMs: 1 })
    expect(hanging.lines.map(({ fields }) => fields['traceId'])).toEqual([spans()[1]?.traceId])
  })

  it.each([true, false])(
    'goes on in work that outlives its call, with a context manager: %s',
    async (hasContextManager) => {
      const { spans } = recordTelemetry({ hasContextManager })
      const { promise, resolve } = Promise.withResolvers<string | undefined>()
      const { send } = dispatcherFor((input) => {
        detach(async () => {
          await Promise.resolve()
          resolve(outgoingMetadata()['traceparent'])
        })
        return input
      })
      await send()
      const [span] = spans()
      expect(await promise).toBe(`00-${span?.traceId}-${span?.spanId}-01`)
    },
  )

  it('is one of its own where a call comes of others, with a link to each that has one', async () => {
    const { spans } = recordTelemetry()
    const { send } = dispatcherFor(echo)
    await send({ metadata: { traceparent }, follows: [{ traceparent }, {}, { traceparent: 'nonsense' }] })
    const [span] = spans()
    expect(span?.parent).toBeUndefined()
    expect(span?.traceId).not.toBe(traceId)
    expect(span?.links).toEqual(['(unknown)'])
  })
})

describe('an SDK', () => {
  it('may be registered and taken away while calls come', async () => {
    const { send } = dispatcherFor(echo)
    await send()
    const { spans } = recordTelemetry()
    await send()
    expect(spans()).toHaveLength(1)
    forgetTelemetry()
    await send()
    expect(spans()).toHaveLength(1)
  })

  it('that fails costs no call its outcome', async () => {
    const broken = () => {
      throw new Error('a broken processor')
    }
    const processor = {
      onStart: broken,
      onEnd: broken,
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    }
    recordTelemetry()
    trace.disable()
    trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [processor] }))
    const { send } = dispatcherFor(echo)
    expect(await send()).toMatchObject({ ok: true, value: { text: 'hi' } })
    const ending = { ...processor, onStart: () => undefined }
    trace.disable()
    trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [ending] }))
    expect(await send()).toMatchObject({ ok: true, value: { text: 'hi' } })
  })

  it('whose meters fail costs no call its outcome, and no span', async () => {
    const { spans } = recordTelemetry()
    metrics.disable()
    const getMeter = () => {
      throw new Error('a broken meter provider')
    }
    metrics.setGlobalMeterProvider({ getMeter })
    const { send } = dispatcherFor(echo)
    expect(await send()).toMatchObject({ ok: true })
    expect(spans()).toHaveLength(1)
  })

  it('that takes only metrics is told of calls without any span', async () => {
    const { points, spans } = recordTelemetry()
    trace.disable()
    const running: unknown[] = []
    const contexts: Context[] = []
    const { send } = dispatcherFor(async (input) => {
      running.push(await points('tenon.server.active_calls'))
      contexts.push(context.active())
      return input
    })
    await send()
    const attributes: Attributes = { 'tenon.call.transport': 'test', 'tenon.call.operation': 'a.A/echo' }
    expect(running).toEqual([[{ value: 1, attributes }]])
    expect(await points('tenon.server.active_calls')).toEqual([{ value: 0, attributes }])
    expect(spans()).toEqual([])
    expect(trace.getSpan(contexts[0] as Context)).toBeUndefined()
  })
})
