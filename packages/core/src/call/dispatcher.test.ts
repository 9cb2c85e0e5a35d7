import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AccessRule } from '../contract/operation.ts'
import { markRemote, ServiceError } from '../error/service-error.ts'
import { isShutdown } from '../error/shutdown.ts'
import type { Call } from './call.ts'
import { currentCall } from './context.ts'
import { allOf, dispatcherFor, echo, errorOf, type Given, itemsOf, Text } from './dispatcher.test-harness.ts'
import type { Interceptor, Invoke } from './rule/interceptor.ts'

describe('a call', () => {
  it('answers with the output, stripped of what the schema does not declare', async () => {
    const { send, gate, lines } = dispatcherFor(() => ({ text: 'hi', password: 'hunter2' }))
    expect(await send()).toEqual({ ok: true, value: { text: 'hi' }, headers: undefined })
    expect(gate.runningCount).toBe(0)
    expect(lines).toEqual([])
  })

  it('goes through its stages in order: authenticate, authorise, decode, interceptors, handler', async () => {
    const log: string[] = []
    const { send } = dispatcherFor((input) => (log.push('handler'), input), {
      access: 'authenticated',
      authenticate: async () => (log.push('authenticate'), { id: 'ann' }),
      interceptors: [
        async (call, next) => {
          log.push(`before ${call.principal?.id}`)
          const output = await next()
          log.push('after')
          return output
        },
      ],
    })
    const decode = () => (log.push('decode'), { text: 'hi' })
    expect((await send({ decode })).ok).toBe(true)
    expect(log).toEqual(['authenticate', 'decode', 'before ann', 'handler', 'after'])
  })

  it('tells the handler of its arrival', async () => {
    let seen: Call | undefined
    const { send } = dispatcherFor((input, call) => {
      seen = call
      expect(currentCall()).toBe(call)
      return input
    })
    await send({ metadata: { 'x-request-id': 'req-1' }, peer: '10.0.0.7:41234', attempt: 3, timeoutMs: 5_000 })
    expect(seen).toMatchObject({
      peer: '10.0.0.7:41234',
      id: 'req-1',
      operation: 'a.A/echo',
      transport: 'test',
      metadata: { 'x-request-id': 'req-1' },
      attempt: 3,
      principal: undefined,
    })
    expect(currentCall()).toBeUndefined()
  })

  it('sends the headers that the handler set, with a failure too', async () => {
    const set: Invoke = (input, call) => {
      call.setHeader('X-Cost', '1')
      if ((input as { text: string }).text === 'fail') throw new ServiceError('not_found', 'gone')
      return input
    }
    const { send } = dispatcherFor(set)
    expect((await send()).headers).toEqual({ 'x-cost': '1' })
    expect((await send({ decode: () => ({ text: 'fail' }) })).headers).toEqual({ 'x-cost': '1' })
  })

  it('sends the trailers that the handler set, with a failure too, and of a stream until its end', async () => {
    const set: Invoke = (input, call) => {
      call.setTrailer('X-Cost', '1')
      if ((input as { text: string }).text === 'fail') throw new ServiceError('not_found', 'gone')
      return input
    }
    const { send } = dispatcherFor(set)
    expect((await send()).trailers).toEqual({ 'x-cost': '1' })
    expect((await send({ decode: () => ({ text: 'fail' }) })).trailers).toEqual({ 'x-cost': '1' })
    const stream = dispatcherFor(
      async function* (input, call) {
        yield input
        call.setTrailer('x-count', '1')
      } as Invoke,
      { kind: 'server_stream' },
    )
    const outcome = await stream.send()
    expect(await allOf(itemsOf(outcome))).toHaveLength(1)
    expect(outcome.trailers).toEqual({ 'x-count': '1' })
  })

  it('waits for an asynchronous validator, and does not wait for another', async () => {
    const asynchronous = { ...Text, read: async (value: unknown) => Text.read(value) }
    const { send } = dispatcherFor(echo, { input: asynchronous })
    expect((await send()).ok).toBe(true)
    expect(errorOf(await send({ decode: () => ({}) })).code).toBe('invalid_argument')
    const order: string[] = []
    const done = dispatcherFor((input) => (order.push('handler'), input)).send()
    order.push('after the call began')
    await done
    expect(order).toEqual(['handler', 'after the call began'])
  })

  it.each(['input', 'output'] as const)('is on time although a validator of the %s is not', async (side) => {
    vi.useFakeTimers()
    try {
      const checked = Promise.withResolvers<void>()
      const slow = async (value: unknown) => checked.promise.then(() => Text.read(value))
      const handler = vi.fn(echo)
      const { send } = dispatcherFor(handler, { [side]: { ...Text, read: slow, write: slow } })
      const outcome = send({ timeoutMs: 10 })
      await vi.advanceTimersByTimeAsync(10)
      expect(errorOf(await outcome).code).toBe('deadline_exceeded')
      checked.resolve()
      await vi.advanceTimersByTimeAsync(0)
      expect(handler).toHaveBeenCalledTimes(side === 'input' ? 0 : 1)
    } finally {
      vi.useRealTimers()
    }
  })

  it('answers an event with nothing, whatever its consumer returns', async () => {
    const { send } = dispatcherFor(() => 'anything', { output: undefined })
    expect(await send()).toEqual({ ok: true, value: undefined, headers: undefined })
  })
})

describe('access', () => {
  it.each<[rule: AccessRule, principal: object | undefined, code: string | undefined]>([
    ['public', undefined, undefined],
    ['authenticated', undefined, 'unauthenticated'],
    ['authenticated', {}, undefined],
    [{ roles: ['admin', 'owner'] }, { roles: ['owner'] }, undefined],
    [{ roles: ['admin'] }, { roles: ['user'] }, 'permission_denied'],
    [{ roles: ['admin'] }, {}, 'permission_denied'],
    [{ scopes: ['read', 'write'] }, { scopes: ['write', 'read', 'more'] }, undefined],
    [{ scopes: ['read', 'write'] }, { scopes: ['read'] }, 'permission_denied'],
    [{ scopes: ['read'] }, {}, 'permission_denied'],
    [{ roles: ['admin'] }, undefined, 'unauthenticated'],
  ])('with the rule %j answers %j with %s, before anything is decoded', async (access, facts, code) => {
    const decode = vi.fn(() => ({ text: 'hi' }))
    const authenticate = () => facts && { id: 'ann', ...facts }
    const outcome = await dispatcherFor(echo, { access, authenticate }).send({ decode })
    expect(outcome.ok ? undefined : outcome.error.code).toBe(code)
    expect(decode).toHaveBeenCalledTimes(code === undefined ? 1 : 0)
  })

  it('refuses a credential that is not valid, also where everybody may call', async () => {
    const authenticate = () => Promise.reject(new ServiceError('unauthenticated', 'the token has expired'))
    expect(errorOf(await dispatcherFor(echo, { authenticate }).send())).toMatchObject({
      code: 'unauthenticated',
      message: 'the token has expired',
    })
  })

  it('tells the log whom it turned away and why, which the caller is not told', async () => {
    const cause = new Error('the token has expired')
    const refused = new ServiceError('unauthenticated', 'the credential is not valid', {
      reason: 'invalid_token',
      cause,
    })
    const bad = dispatcherFor(echo, { authenticate: () => Promise.reject(refused) })
    await bad.send({ peer: '10.0.0.7:1' })
    const denied = dispatcherFor(echo, { access: { roles: ['admin'] }, authenticate: () => ({ id: 'ann' }) })
    await denied.send({ peer: '10.0.0.8:1' })
    const { operation, code, reason, principal, peer, cause: why } = bad.lines[0]?.fields ?? {}
    expect([operation, code, reason, principal, peer, why]).toEqual([
      'a.A/echo',
      'unauthenticated',
      'invalid_token',
      undefined,
      '10.0.0.7:1',
      'the token has expired',
    ])
    expect(denied.lines).toMatchObject([
      { level: 'info', fields: { code: 'permission_denied', principal: 'ann', peer: '10.0.0.8:1', cause: undefined } },
    ])
    const other = dispatcherFor(() => Promise.reject(new ServiceError('not_found', 'x', { cause })))
    await other.send({ peer: '10.0.0.9:1' })
    for (const name of ['principal', 'peer', 'cause']) expect(other.lines[0]?.fields).not.toHaveProperty(name)
  })

  it('asks nothing of a source that is trusted by configuration', async () => {
    const authenticate = vi.fn(() => undefined)
    const { send } = dispatcherFor(echo, { access: { roles: ['admin'] }, authenticate })
    expect((await send({ isTrusted: true })).ok).toBe(true)
    expect(authenticate).not.toHaveBeenCalled()
    expect((await send({ isTrusted: false })).ok).toBe(false)
  })
})

describe('failures', () => {
  it('answers an input that does not fit with every violation', async () => {
    const handler = vi.fn(echo)
    const { send, lines } = dispatcherFor(handler)
    expect(errorOf(await send({ decode: () => ({ text: 1 }) }))).toMatchObject({
      code: 'invalid_argument',
      message: '/text must be string',
      details: { violations: [{ field: '/text', message: 'must be string', rule: 'type' }] },
    })
    expect(handler).not.toHaveBeenCalled()
    expect(lines).toMatchObject([{ level: 'info', fields: { code: 'invalid_argument' } }])
  })

  it('answers bytes that cannot be decoded as the transport says', async () => {
    const decode = () => {
      throw new ServiceError('invalid_argument', 'no JSON')
    }
    expect(errorOf(await dispatcherFor(echo).send({ decode }))).toMatchObject({ message: 'no JSON' })
  })

  it.each([
    [
      'thrown',
      () => {
        throw new Error('password is hunter2')
      },
    ],
    ['rejected', () => Promise.reject(new Error('password is hunter2'))],
  ] as const)('answers a %s foreign exception with a fixed text and logs its cause', async (_how, handler) => {
    const { send, lines } = dispatcherFor(handler)
    const outcome = await send({ metadata: { 'x-request-id': 'req-1' } })
    expect(outcome).toMatchObject({ callId: 'req-1' })
    expect(errorOf(outcome)).toMatchObject({ code: 'internal', message: 'an internal error occurred' })
    expect(lines).toMatchObject([
      {
        level: 'error',
        fields: { callId: 'req-1', operation: 'a.A/echo', code: 'internal', err: { message: 'password is hunter2' } },
        message: 'a.A/echo failed',
      },
    ])
  })

  it('logs what the handler itself calls internal, and a declared failure without its stack', async () => {
    const own = dispatcherFor(() => Promise.reject(new ServiceError('data_loss', 'rows are gone')))
    expect(errorOf(await own.send()).message).toBe('rows are gone')
    expect(own.lines).toMatchObject([{ level: 'error', fields: { err: { message: 'rows are gone' } } }])
    const declared = dispatcherFor(() => Promise.reject(new ServiceError('not_found', 'no user', { reason: 'gone' })))
    expect(errorOf(await declared.send()).code).toBe('not_found')
    expect(declared.lines).toMatchObject([{ level: 'info', fields: { code: 'not_found', reason: 'gone' } }])
  })

  it("does not pass a remote's error on as if it were ours", async () => {
    const failing = (code: 'unauthenticated' | 'unavailable') => () =>
      Promise.reject(markRemote(new ServiceError(code, 'said the remote')))
    const hidden = dispatcherFor(failing('unauthenticated'))
    expect(errorOf(await hidden.send())).toMatchObject({ code: 'internal', message: 'an internal error occurred' })
    expect(hidden.lines).toMatchObject([{ level: 'error', fields: { err: { code: 'unauthenticated' } } }])
    expect(errorOf(await dispatcherFor(failing('unavailable')).send())).toMatchObject({ code: 'unavailable' })
  })

  it('answers an output that does not fit as internal, and says only in the log what is wrong', async () => {
    const { send, lines } = dispatcherFor(() => ({ text: 1, secret: 'hunter2' }))
    expect(errorOf(await send())).toMatchObject({ message: 'an internal error occurred', details: undefined })
    expect(lines).toMatchObject([
      { fields: { err: { message: 'the output of a.A/echo does not fit its schema: /text must be string' } } },
    ])
    const whole = dispatcherFor(() => undefined)
    await whole.send()
    expect(whole.lines).toMatchObject([
      { fields: { err: { message: expect.stringContaining('(output) must be object') } } },
    ])
  })

  it('strips outputs but does not check them where that is switched off', async () => {
    const { send } = dispatcherFor(() => ({ text: 1, secret: 'hunter2' }), { isOutputChecked: false })
    expect(await send()).toMatchObject({ ok: true, value: { text: 1 } })
  })

  it('answers cancelled, and logs no fault, when a library only echoes that the caller is gone', async () => {
    const caller = new AbortController()
    const { send, lines } = dispatcherFor(() => {
      caller.abort()
      throw new DOMException('This operation was aborted', 'AbortError')
    })
    const outcome = await send({ signal: caller.signal })
    expect(errorOf(outcome)).toMatchObject({ code: 'cancelled', message: 'the caller is gone' })
    expect(lines).toMatchObject([{ level: 'info' }])
    const unrelated = dispatcherFor(() => Promise.reject(new DOMException('aborted elsewhere', 'AbortError')))
    expect(errorOf(await unrelated.send()).code).toBe('internal')
  })
})

describe('deadline', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('answers on time although the handler goes on, and tells it through the signal', async () => {
    const reason = Promise.withResolvers<unknown>()
    const finish = Promise.withResolvers<unknown>()
    const { send, gate } = dispatcherFor(
      (_input, { signal }) => {
        signal.addEventListener('abort', () => reason.resolve(signal.reason))
        return finish.promise
      },
      { timeoutMs: 1_000 },
    )
    const outcome = send()
    await vi.advanceTimersByTimeAsync(999)
    expect(gate.runningCount).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(errorOf(await outcome)).toMatchObject({ code: 'deadline_exceeded' })
    expect(await reason.promise).toBe(errorOf(await outcome))
    expect(gate.runningCount).toBe(0)
    finish.resolve({ text: 'late' })
  })

  it('is the smaller of what the operation allows and what the caller waits for', async () => {
    const seen: number[] = []
    const { send } = dispatcherFor((input, call) => (seen.push(call.remainingMs()), input), { timeoutMs: 1_000 })
    await send()
    await send({ timeoutMs: 500 })
    await send({ timeoutMs: 2_000 })
    const unlimited = dispatcherFor((input, call) => (seen.push(call.remainingMs()), input))
    await unlimited.send({ timeoutMs: 300 })
    await unlimited.send()
    expect(seen).toEqual([1_000, 500, 1_000, 300, Number.POSITIVE_INFINITY])
  })

  it.each([
    ['a value', () => ({ text: 'late' }), []],
    ['an error of the caller', () => Promise.reject(new ServiceError('not_found', 'late')), []],
    ['a wrong value', () => ({ text: 1 }), [{ level: 'error' }]],
    ['a fault', () => Promise.reject(new Error('late')), [{ level: 'error', fields: { err: { message: 'late' } } }]],
  ])('tells nobody but the log of %s that comes too late', async (_what, late, logged) => {
    const finish = Promise.withResolvers<void>()
    const { send, lines } = dispatcherFor(() => finish.promise.then<unknown>(late), { timeoutMs: 10 })
    const outcome = send()
    await vi.advanceTimersByTimeAsync(10)
    expect(errorOf(await outcome).code).toBe('deadline_exceeded')
    finish.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(lines).toMatchObject([{ level: 'warn', fields: { code: 'deadline_exceeded' } }, ...logged])
  })

  it('does not begin the handler of a call that ended while it was authenticated', async () => {
    const authenticated = Promise.withResolvers<undefined>()
    const handler = vi.fn(echo)
    const { send } = dispatcherFor(handler, { timeoutMs: 10, authenticate: () => authenticated.promise })
    const outcome = send()
    await vi.advanceTimersByTimeAsync(10)
    expect(errorOf(await outcome).code).toBe('deadline_exceeded')
    authenticated.resolve(undefined)
    await vi.advanceTimersByTimeAsync(0)
    expect(handler).not.toHaveBeenCalled()
  })

  it('closes a stream that comes too late', async () => {
    const finish = Promise.withResolvers<void>()
    const closed = vi.fn()
    const source = { next: vi.fn(), return: closed, [Symbol.asyncIterator]: () => source }
    const { send, lines } = dispatcherFor(() => finish.promise.then(() => source), { kind: 'server_stream' })
    const outcome = send({ timeoutMs: 10 })
    await vi.advanceTimersByTimeAsync(10)
    expect(errorOf(await outcome).code).toBe('deadline_exceeded')
    finish.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(closed).toHaveBeenCalledTimes(1)
    expect(source.next).not.toHaveBeenCalled()
    expect(lines).toHaveLength(1)
  })
})

describe('drain', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('refuses new calls as unavailable, undecoded, while running ones go on', async () => {
    const finish = Promise.withResolvers<unknown>()
    const { send, gate } = dispatcherFor(() => finish.promise)
    const running = send()
    const idle = gate.shut()
    const decode = vi.fn()
    const refused = await send({ decode, metadata: { 'x-request-id': 'req-2' } })
    expect(refused).toMatchObject({ ok: false, callId: 'req-2', headers: undefined })
    expect(errorOf(refused)).toMatchObject({
      code: 'unavailable',
      reason: 'draining',
      details: { retryDelayMs: 1000 },
    })
    expect(isShutdown(errorOf(refused))).toBe(true)
    expect(decode).not.toHaveBeenCalled()
    finish.resolve({ text: 'done' })
    expect((await running).ok).toBe(true)
    await idle
  })

  it('ends what is left as unavailable, through the signal too, and counts it', async () => {
    const aborted = vi.fn()
    const never = new Promise<never>(() => undefined)
    const { send, gate } = dispatcherFor((_input, { signal }) => {
      signal.addEventListener('abort', aborted)
      return never
    })
    const running = [send(), send()]
    const idle = gate.shut()
    gate.cutAll()
    const errors = (await Promise.all(running)).map(errorOf)
    for (const error of errors) expect([error.code, isShutdown(error)]).toEqual(['unavailable', true])
    await idle
    expect(aborted).toHaveBeenCalledTimes(2)
    expect(gate.cutCount).toBe(2)
  })

  it('waits for a handler that works on beyond the deadline of its call, and counts nothing', async () => {
    const finish = Promise.withResolvers<unknown>()
    const { send, gate } = dispatcherFor(() => finish.promise)
    const late = send({ timeoutMs: 10 })
    await vi.advanceTimersByTimeAsync(10)
    expect(errorOf(await late).code).toBe('deadline_exceeded')
    const idle = vi.fn()
    const shut = gate.shut().then(idle)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(idle).not.toHaveBeenCalled()
    finish.resolve(undefined)
    await shut
    expect({ cut: gate.cutCount, left: gate.leftCount }).toEqual({ cut: 0, left: 0 })
  })

  it('gives up what works on beyond the deadline of its call, and counts it beside what it cuts', async () => {
    const { send, gate } = dispatcherFor(() => new Promise(() => undefined))
    const late = [send({ timeoutMs: 10 }), send({ timeoutMs: 10 })]
    await vi.advanceTimersByTimeAsync(10)
    await Promise.all(late)
    const running = send()
    const idle = gate.shut()
    gate.cutAll()
    await Promise.all([idle, running])
    expect({ cut: gate.cutCount, left: gate.leftCount }).toEqual({ cut: 1, left: 2 })
  })

  it('of another service is not taken for our own', async () => {
    const other = dispatcherFor(echo)
    await other.gate.shut()
    const refused = errorOf(await other.send())
    const { send } = dispatcherFor(() => Promise.reject(markRemote(refused)))
    expect(isShutdown(errorOf(await send()))).toBe(false)
  })

  it('tells running calls that it begins', async () => {
    const told = Promise.withResolvers<unknown>()
    const { send, gate } = dispatcherFor((_input, { draining }) => {
      draining.addEventListener('abort', () => told.resolve({ text: 'told' }))
      return told.promise
    })
    const running = send()
    await Promise.all([gate.shut(), running])
    expect(await running).toMatchObject({ value: { text: 'told' } })
  })
})

describe('a stream', () => {
  const streaming = (handler: Invoke, given: Given = {}) => dispatcherFor(handler, { kind: 'server_stream', ...given })

  it('lets other work run while neither the handler nor the reader waits for anything', async () => {
    const { send } = streaming(async function* () {
      for (;;) yield { text: 'again' }
    })
    let isOtherServed = false
    setTimeout(() => (isOtherServed = true), 0)
    let count = 0
    for await (const _ of itemsOf(await send())) if (isOtherServed || ++count === 3_000_000) break
    expect(isOtherServed).toBe(true)
  })

  it('hands over checked and stripped items, and runs until the last one is out', async () => {
    const { send, gate } = streaming(async function* () {
      yield { text: '1', secret: 'x' }
      yield { text: '2' }
    })
    const items = itemsOf(await send())
    expect(await items.next()).toEqual({ done: false, value: { text: '1' } })
    expect(gate.runningCount).toBe(1)
    expect(await items.next()).toEqual({ done: false, value: { text: '2' } })
    expect(await items.next()).toEqual({ done: true, value: undefined })
    expect(gate.runningCount).toBe(0)
    expect(await items.next()).toEqual({ done: true, value: undefined })
  })

  it('runs every step, and the clean-up, inside the call', async () => {
    const seen: (string | undefined)[] = []
    const { send } = streaming(async function* () {
      try {
        seen.push(currentCall()?.id)
        yield { text: '1' }
        await Promise.resolve()
        seen.push(currentCall()?.id)
        yield { text: '2' }
      } finally {
        seen.push(currentCall()?.id)
      }
    })
    const items = itemsOf(await send({ metadata: { 'x-request-id': 'req-1' } }))
    await items.next()
    await items.next()
    await items.return?.()
    expect(seen).toEqual(['req-1', 'req-1', 'req-1'])
    expect(currentCall()).toBeUndefined()
  })

  it('throws a ServiceError after the items that were fine, once, and closes the source', async () => {
    const cleaned = vi.fn()
    const { send, gate, lines } = streaming(async function* () {
      try {
        yield { text: '1' }
        throw new Error('password is hunter2')
      } finally {
        cleaned()
      }
    })
    const items = itemsOf(await send())
    await items.next()
    const failed = await items.next().catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'internal', message: 'an internal error occurred' })
    await expect(items.next()).rejects.toBe(failed)
    expect(cleaned).toHaveBeenCalledTimes(1)
    expect(gate.runningCount).toBe(0)
    expect(lines).toMatchObject([{ level: 'error', fields: { err: { message: 'password is hunter2' } } }])
  })

  it('ends with internal at an item that does not fit, and closes the source', async () => {
    const cleaned = Promise.withResolvers<void>()
    const { send } = streaming(async function* () {
      try {
        yield { text: 1 }
      } finally {
        cleaned.resolve()
      }
    })
    await expect(itemsOf(await send()).next()).rejects.toMatchObject({ code: 'internal' })
    await cleaned.promise
  })

  it('is an error when the handler returns no stream', async () => {
    for (const output of [undefined, null, 'text', { text: 'x' }, ['a']]) {
      const { send, lines } = streaming(() => output)
      expect(errorOf(await send()).code).toBe('internal')
      expect(lines).toMatchObject([{ fields: { err: { message: 'a.A/echo must return an async iterable' } } }])
    }
  })

  it('runs the clean-up of the handler when the reader leaves', async () => {
    const cleaned = vi.fn()
    const { send, gate, lines } = streaming(async function* () {
      try {
        for (let count = 0; ; count += 1) yield { text: String(count) }
      } finally {
        cleaned()
      }
    })
    for await (const item of itemsOf(await send())) if ((item as { text: string }).text === '2') break
    expect(cleaned).toHaveBeenCalledTimes(1)
    expect(gate.runningCount).toBe(0)
    expect(lines).toMatchObject([{ level: 'info', fields: { code: 'cancelled' } }])
  })

  it('answers at once when the reader leaves while the source waits', async () => {
    const reason = Promise.withResolvers<unknown>()
    const { send, gate } = streaming(async function* (_input, { signal }) {
      signal.addEventListener('abort', () => reason.resolve(signal.reason))
      yield await new Promise<never>(() => undefined)
    })
    const items = itemsOf(await send())
    const waiting = items.next().catch((error: unknown) => error)
    expect(await items.return?.()).toEqual({ done: true, value: undefined })
    expect(await waiting).toMatchObject({ code: 'cancelled' })
    expect(await reason.promise).toMatchObject({ code: 'cancelled' })
    expect(gate.runningCount).toBe(0)
  })

  it('logs a clean-up that fails, and throws nothing', async () => {
    const { send, lines } = streaming(async function* () {
      try {
        yield { text: '1' }
      } finally {
        // oxlint-disable-next-line no-unsafe-finally -- what a careless handler does
        throw new Error('connection lost')
      }
    })
    const items = itemsOf(await send())
    await items.next()
    await items.return?.()
    expect(lines.at(-1)).toMatchObject({
      level: 'error',
      fields: { err: { message: 'connection lost' } },
      message: 'the stream of a.A/echo failed while it was closed',
    })
  })

  it('is cut while it waits, with the error of the cut, and its handler is told', async () => {
    const cleaned = Promise.withResolvers<string>()
    const { send, gate } = streaming(async function* (_input, { signal }) {
      try {
        yield { text: '1' }
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      } finally {
        cleaned.resolve('cleaned')
      }
    })
    const items = itemsOf(await send())
    await items.next()
    const waiting = items.next()
    gate.cutAll()
    await expect(waiting).rejects.toMatchObject({ code: 'unavailable' })
    expect(await cleaned.promise).toBe('cleaned')
    await expect(items.next()).rejects.toMatchObject({ code: 'unavailable' })
    expect(gate.runningCount).toBe(0)
  })

  it('is cut between two items', async () => {
    const { send, gate } = streaming(async function* () {
      yield { text: '1' }
      yield { text: '2' }
    })
    const items = itemsOf(await send())
    await items.next()
    gate.cutAll()
    await expect(items.next()).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('takes any async iterable, with or without a return of its own', async () => {
    let count = 0
    const { send } = streaming(() => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: count === 2, value: { text: String((count += 1)) } }),
      }),
    }))
    const items = itemsOf(await send())
    await items.next()
    expect(await items.return?.()).toEqual({ done: true, value: undefined })
  })

  it('lets interceptors see and wrap the items', async () => {
    const shout: Interceptor = async (_call, next) => {
      const items = (await next()) as AsyncIterable<{ text: string }>
      return (async function* () {
        for await (const { text } of items) yield { text: `${text}!` }
      })()
    }
    const { send } = streaming(
      async function* () {
        yield { text: '1' }
      },
      { interceptors: [shout] },
    )
    expect(await itemsOf(await send()).next()).toEqual({ done: false, value: { text: '1!' } })
  })
})
