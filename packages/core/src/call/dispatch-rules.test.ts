import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ServiceError } from '../error/service-error.ts'
import type { Logger } from '../telemetry/log.ts'
import { allOf, dispatcherFor, echo, errorOf, itemsOf } from './dispatcher.test-harness.ts'
import type { Invoke } from './rule/interceptor.ts'
import { Limiter } from './rule/limiter.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('an input stream', () => {
  const summing: Invoke = async (input) => {
    const texts: string[] = []
    for await (const { text } of input as AsyncIterable<{ text: string }>) texts.push(text)
    return { text: texts.join('') }
  }
  async function* texts(...values: readonly unknown[]) {
    for (const text of values) yield { text }
  }

  it('reaches the handler item by item, each checked', async () => {
    const { send } = dispatcherFor(summing, { kind: 'client_stream' })
    expect(await send({ decode: () => texts('a', 'b') })).toMatchObject({ ok: true, value: { text: 'ab' } })
    const refused = errorOf(await send({ decode: () => texts('a', 1) }))
    expect(refused).toMatchObject({ code: 'invalid_argument', details: { violations: [{ field: '/1/text' }] } })
  })

  it('is closed when the handler answers without reading it, and when it fails', async () => {
    for (const handler of [() => ({ text: 'enough' }), () => Promise.reject(new ServiceError('aborted', 'no'))]) {
      const closed = vi.fn()
      const source = { next: vi.fn(), return: closed, [Symbol.asyncIterator]: () => source }
      const { send } = dispatcherFor(handler, { kind: 'client_stream' })
      await send({ decode: () => source })
      expect(closed).toHaveBeenCalledTimes(1)
    }
  })

  it('goes both ways at once', async () => {
    const { send } = dispatcherFor(
      async function* (input) {
        for await (const { text } of input as AsyncIterable<{ text: string }>) yield { text: `${text}!` }
      } as Invoke,
      { kind: 'bidi_stream' },
    )
    expect(await allOf(itemsOf(await send({ decode: () => texts('a', 'b') })))).toEqual([
      { text: 'a!' },
      { text: 'b!' },
    ])
  })

  it('ends with the caller', async () => {
    const caller = new AbortController()
    const source = { next: () => new Promise(() => undefined), [Symbol.asyncIterator]: () => source }
    const { send } = dispatcherFor(summing, { kind: 'client_stream' })
    const outcome = send({ decode: () => source, signal: caller.signal })
    await vi.advanceTimersByTimeAsync(0)
    caller.abort()
    expect(errorOf(await outcome).code).toBe('cancelled')
  })
})

describe('limits', () => {
  it('hold a call back until there is a place, within its deadline', async () => {
    const finish = Promise.withResolvers<unknown>()
    const handler = vi.fn<Invoke>(() => finish.promise)
    const { send } = dispatcherFor(handler, { limiters: [new Limiter({ maxRunning: 1, maxWaiting: 1 })] })
    const [first, waiting, refused] = [send(), send(), send()]
    expect(errorOf(await refused)).toMatchObject({ code: 'resource_exhausted', details: { retryDelayMs: 1000 } })
    expect(handler).toHaveBeenCalledTimes(1)
    finish.resolve({ text: 'hi' })
    expect((await first).ok && (await waiting).ok).toBe(true)
  })

  it('are not held by a call that gave up while it waited', async () => {
    const finish = Promise.withResolvers<unknown>()
    const handler = vi.fn<Invoke>(() => finish.promise)
    const { send, gate } = dispatcherFor(handler, { limiters: [new Limiter({ maxRunning: 1, maxWaiting: 1 })] })
    const first = send()
    const late = send({ timeoutMs: 10 })
    await vi.advanceTimersByTimeAsync(10)
    expect(errorOf(await late).code).toBe('deadline_exceeded')
    expect(gate.abandonedCount).toBe(0)
    const next = send()
    finish.resolve({ text: 'hi' })
    expect((await first).ok && (await next).ok).toBe(true)
    expect(handler).toHaveBeenCalledTimes(2)
  })

  it('count a handler that works on after its caller was answered', async () => {
    const finish = Promise.withResolvers<unknown>()
    const handler = vi.fn<Invoke>(() => finish.promise)
    const { send, gate } = dispatcherFor(handler, { limiters: [new Limiter({ maxRunning: 1, maxWaiting: 0 })] })
    const late = send({ timeoutMs: 10 })
    await vi.advanceTimersByTimeAsync(10)
    expect(errorOf(await late).code).toBe('deadline_exceeded')
    expect(gate.abandonedCount).toBe(1)
    expect(errorOf(await send()).code).toBe('resource_exhausted')
    finish.resolve({ text: 'hi' })
    await vi.advanceTimersByTimeAsync(0)
    expect(gate.abandonedCount).toBe(0)
    expect((await send()).ok).toBe(true)
  })

  it('count a stream until its last item is out', async () => {
    const { send } = dispatcherFor(
      async function* () {
        yield { text: 'a' }
      } as Invoke,
      { kind: 'server_stream', limiters: [new Limiter({ maxRunning: 1, maxWaiting: 0 })] },
    )
    const items = itemsOf(await send())
    expect(errorOf(await send()).code).toBe('resource_exhausted')
    await items.return?.()
    expect((await send()).ok).toBe(true)
  })
})

describe('a policy', () => {
  const owner = (principal: { readonly id: string } | undefined, input: unknown) =>
    principal?.id === (input as { text: string }).text

  it('sees the principal and the validated input, after access and before the handler', async () => {
    const handler = vi.fn(echo)
    const authenticate = async () => ({ id: 'hi' })
    const { send } = dispatcherFor(handler, { policy: owner, authenticate, access: 'authenticated' })
    expect((await send()).ok).toBe(true)
    expect(errorOf(await send({ decode: () => ({ text: 'other' }) })).code).toBe('permission_denied')
    expect(errorOf(await send({ decode: () => ({}) })).code).toBe('invalid_argument')
    expect(handler).toHaveBeenCalledTimes(1)
  })

  it('may be asynchronous, and lets nobody in when it fails', async () => {
    const { send } = dispatcherFor(echo, { policy: () => Promise.reject(new Error('no database')) })
    expect(errorOf(await send()).code).toBe('internal')
    const lazy = dispatcherFor(echo, { policy: async () => false })
    expect(errorOf(await lazy.send()).code).toBe('permission_denied')
  })

  it('is not asked about a message, whose topic is trusted', async () => {
    const { send } = dispatcherFor(echo, { policy: () => false })
    expect((await send({ isTrusted: true })).ok).toBe(true)
  })
})

describe('access by a check', () => {
  it.each([
    [true, 'ok'],
    [false, 'permission_denied'],
    [Promise.resolve(true), 'ok'],
    [Promise.resolve(false), 'permission_denied'],
    [1 as never, 'permission_denied'],
  ])('%j answers %s', async (answer, expected) => {
    const decode = vi.fn(() => ({ text: 'hi' }))
    const { send } = dispatcherFor(echo, { access: { check: () => answer }, authenticate: () => ({ id: 'ann' }) })
    const outcome = await send({ decode })
    expect(outcome.ok ? 'ok' : outcome.error.code).toBe(expected)
    expect(decode).toHaveBeenCalledTimes(outcome.ok ? 1 : 0)
  })

  it('takes the principal a transport knows, and asks nobody else', async () => {
    const authenticate = vi.fn(() => undefined)
    const { send } = dispatcherFor(echo, { access: { roles: ['admin'] }, authenticate })
    expect((await send({ principal: { id: 'ann', roles: ['admin'] } })).ok).toBe(true)
    expect(errorOf(await send({ principal: { id: 'bob' } })).code).toBe('permission_denied')
    expect(authenticate).not.toHaveBeenCalled()
  })
})

describe('odd arrivals and exceptions', () => {
  it.each([0, -5])('a call that comes with %d ms left is not begun', async (timeoutMs) => {
    const handler = vi.fn(echo)
    expect(errorOf(await dispatcherFor(handler).send({ timeoutMs })).code).toBe('deadline_exceeded')
    expect(handler).not.toHaveBeenCalled()
  })

  it("a time that is no number leaves the operation's own limit in force", async () => {
    const { send } = dispatcherFor((input, call) => ({ text: String(call.remainingMs()) }), { timeoutMs: 1_000 })
    expect(await send({ timeoutMs: Number.NaN })).toMatchObject({ value: { text: '1000' } })
  })

  it('an exception that throws when it is looked at still gives an answer', async () => {
    const hostile = Object.defineProperty(new Error('x'), 'cause', {
      enumerable: true,
      get: () => {
        throw new Error('getter')
      },
    })
    const throwing = () => {
      throw new Error('log is full')
    }
    const log = { debug: throwing, info: throwing, warn: throwing, error: throwing, child: () => log } as Logger
    const { send } = dispatcherFor(() => Promise.reject(hostile), { log })
    expect(errorOf(await send()).code).toBe('internal')
  })

  it('a step of the wall clock ends no call', async () => {
    const finish = Promise.withResolvers<unknown>()
    const { send } = dispatcherFor(() => finish.promise, { timeoutMs: 30_000 })
    const outcome = send()
    vi.setSystemTime(Date.now() + 60_000)
    await vi.advanceTimersByTimeAsync(10)
    finish.resolve({ text: 'hi' })
    expect((await outcome).ok).toBe(true)
  })
})

describe('the line of a finished call', () => {
  it('is written for every call where that is asked for, with what finds it again', async () => {
    const { send, lines } = dispatcherFor(echo, { loggedCalls: 'all' })
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await send({ metadata: { 'x-request-id': 'req-1', traceparent } })
    expect(lines).toEqual([
      {
        level: 'info',
        message: 'a.A/echo succeeded',
        fields: {
          callId: 'req-1',
          operation: 'a.A/echo',
          traceId: '0af7651916cd43dd8448eb211c80319c',
          durationMs: expect.any(Number),
        },
      },
    ])
  })

  it('is left out where nobody wants it, except for faults of our own', async () => {
    const { send, lines } = dispatcherFor((input) => input, { loggedCalls: 'none' })
    await send({ decode: () => ({}) })
    expect(lines).toEqual([])
    const faulty = dispatcherFor(() => Promise.reject(new Error('bug')), { loggedCalls: 'none' })
    await faulty.send()
    expect(faulty.lines).toMatchObject([{ level: 'error', fields: { err: { message: 'bug' } } }])
  })
})

describe('an arrival', () => {
  it('is told when nothing of its call runs any more, which may be after its outcome', async () => {
    const finish = Promise.withResolvers<unknown>()
    const { send } = dispatcherFor(() => finish.promise)
    const ended = vi.fn<() => void>()
    const late = send({ timeoutMs: 10, ended })
    await vi.advanceTimersByTimeAsync(10)
    expect(errorOf(await late).code).toBe('deadline_exceeded')
    expect(ended).not.toHaveBeenCalled()
    finish.resolve({ text: 'hi' })
    await vi.advanceTimersByTimeAsync(0)
    expect(ended).toHaveBeenCalledTimes(1)
  })

  it.each([
    ['succeeds', async () => ({ text: 'hi' })],
    ['fails', () => Promise.reject(new Error('bug'))],
  ] satisfies [string, Invoke][])('is told once of a call that %s', async (_what, handler) => {
    const ended = vi.fn<() => void>()
    await dispatcherFor(handler).send({ ended })
    await vi.advanceTimersByTimeAsync(0)
    expect(ended).toHaveBeenCalledTimes(1)
  })
})

describe('a stream that is over for its reader', () => {
  const limiters = () => [new Limiter({ maxRunning: 1, maxWaiting: 0 })]

  it('keeps its place, and counts as abandoned, until its handler has ended', async () => {
    const finish = Promise.withResolvers<void>()
    const { send, gate } = dispatcherFor(
      async function* () {
        await finish.promise
        yield { text: 'late' }
      } as Invoke,
      { kind: 'server_stream', limiters: limiters() },
    )
    const items = itemsOf(await send({ timeoutMs: 10 }))
    const waiting = items.next().catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(10)
    expect(await waiting).toMatchObject({ code: 'deadline_exceeded' })
    expect({ abandoned: gate.abandonedCount, running: gate.runningCount }).toEqual({ abandoned: 1, running: 0 })
    expect(errorOf(await send()).code).toBe('resource_exhausted')
    finish.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(gate.abandonedCount).toBe(0)
    expect((await send()).ok).toBe(true)
  })

  it('is waited for by the drain while its handler cleans up', async () => {
    const finish = Promise.withResolvers<void>()
    const { send, gate } = dispatcherFor(
      async function* () {
        try {
          yield { text: 'a' }
        } finally {
          await finish.promise
        }
      } as Invoke,
      { kind: 'server_stream' },
    )
    const items = itemsOf(await send())
    await items.next()
    const left = items.return?.()
    const idle = vi.fn()
    void gate.shut().then(idle)
    await vi.advanceTimersByTimeAsync(0)
    expect(idle).not.toHaveBeenCalled()
    finish.resolve()
    await left
    await vi.advanceTimersByTimeAsync(0)
    expect(idle).toHaveBeenCalledTimes(1)
  })

  it('is waited for by the drain while its handler waits, and is counted once when it is given up', async () => {
    const { send, gate } = dispatcherFor(
      async function* () {
        await new Promise(() => undefined)
        yield { text: 'never' }
      } as Invoke,
      { kind: 'server_stream' },
    )
    const items = itemsOf(await send())
    items.next().catch(() => undefined)
    await items.return?.()
    const idle = vi.fn()
    void gate.shut().then(idle)
    await vi.advanceTimersByTimeAsync(0)
    expect(idle).not.toHaveBeenCalled()
    gate.cutAll()
    await vi.advanceTimersByTimeAsync(0)
    expect(idle).toHaveBeenCalledTimes(1)
    expect({ cut: gate.cutCount, left: gate.leftCount }).toEqual({ cut: 0, left: 1 })
  })

  it('has what it fails with afterwards logged', async () => {
    const finish = Promise.withResolvers<void>()
    const { send, lines } = dispatcherFor(
      // oxlint-disable-next-line require-yield -- fails before its first item
      async function* () {
        await finish.promise
        throw new Error('disk is full')
      } as Invoke,
      { kind: 'server_stream' },
    )
    const items = itemsOf(await send({ timeoutMs: 10 }))
    items.next().catch(() => undefined)
    await vi.advanceTimersByTimeAsync(10)
    finish.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(lines.at(-1)).toMatchObject({ level: 'error', fields: { err: { message: 'disk is full' } } })
  })
})

describe('an interceptor that answers by itself', () => {
  it('leaves what the handler fails with to nobody, and harms nobody', async () => {
    const { send } = dispatcherFor(() => Promise.reject(new Error('db is down')), {
      interceptors: [
        async (_call, next) => {
          void next()
          return { text: 'cached' }
        },
      ],
    })
    expect(await send()).toMatchObject({ ok: true, value: { text: 'cached' } })
    await vi.advanceTimersByTimeAsync(0)
  })

  it('keeps the place of its call until the handler has ended', async () => {
    const finish = Promise.withResolvers<unknown>()
    const { send } = dispatcherFor(() => finish.promise, {
      limiters: [new Limiter({ maxRunning: 1, maxWaiting: 0 })],
      interceptors: [
        async (_call, next) => {
          void next()
          return { text: 'cached' }
        },
      ],
    })
    expect((await send()).ok).toBe(true)
    expect(errorOf(await send()).code).toBe('resource_exhausted')
    finish.resolve({ text: 'hi' })
    await vi.advanceTimersByTimeAsync(0)
    expect((await send()).ok).toBe(true)
  })
})

describe('more odd callers', () => {
  it('one that leaves while it waits for a place gives it up, and its handler does not run', async () => {
    const finish = Promise.withResolvers<unknown>()
    const handler = vi.fn<Invoke>(() => finish.promise)
    const { send } = dispatcherFor(handler, { limiters: [new Limiter({ maxRunning: 1, maxWaiting: 1 })] })
    const first = send()
    const caller = new AbortController()
    const left = send({ signal: caller.signal })
    caller.abort()
    expect(errorOf(await left).code).toBe('cancelled')
    const next = send()
    finish.resolve({ text: 'hi' })
    expect((await first).ok && (await next).ok).toBe(true)
    expect(handler).toHaveBeenCalledTimes(2)
  })

  it.each([
    ['null in the place of a principal', 'authenticated', null],
    ['null where roles are asked for', { roles: ['admin'] }, null],
  ] as const)('%s is nobody', async (_what, access, principal) => {
    const { send } = dispatcherFor(echo, { access, authenticate: () => principal as never })
    expect(errorOf(await send()).code).toBe('unauthenticated')
  })

  it('roles that are one text are not searched for a part of it', async () => {
    const principal = { id: 'ann', roles: 'not-an-admin' as never }
    const { send } = dispatcherFor(echo, { access: { roles: ['admin'] }, authenticate: () => principal })
    expect(errorOf(await send()).code).toBe('permission_denied')
  })

  it('an exception whose name cannot be read still gives an answer', async () => {
    const hostile = Object.defineProperty(new Error('x'), 'name', {
      get: () => {
        throw new Error('getter')
      },
    })
    expect(errorOf(await dispatcherFor(() => Promise.reject(hostile)).send()).code).toBe('internal')
  })

  it('what enters after the cut is cut', async () => {
    const { send, gate } = dispatcherFor(() => new Promise(() => undefined))
    gate.closeToNew()
    gate.cutAll()
    expect(errorOf(await send({ isAccepted: true })).code).toBe('unavailable')
    await gate.shut()
  })
})
