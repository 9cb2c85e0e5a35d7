import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Call } from '../call.ts'
import { detach } from '../detach.ts'
import { allOf, dispatcherFor, errorOf, itemsOf } from '../dispatcher.test-harness.ts'
import { composeInterceptors, type Interceptor, type Invoke } from './interceptor.ts'
import { Limiter } from './limiter.ts'

const call = { operation: 'a.A/echo' } as Call

const noting =
  (log: string[], name: string): Interceptor =>
  async (_call, next) => {
    log.push(`${name} in`)
    try {
      return await next()
    } finally {
      log.push(`${name} out`)
    }
  }

describe('composeInterceptors', () => {
  it('is the handler itself where there are none', () => {
    const handler = () => 1
    expect(composeInterceptors([], handler)).toBe(handler)
  })

  it('runs them outermost first, around the handler', async () => {
    const log: string[] = []
    const invoke = composeInterceptors(
      [noting(log, 'outer'), noting(log, 'inner')],
      (input) => (log.push('handler'), input),
    )
    expect(await invoke('input', call)).toBe('input')
    expect(log).toEqual(['outer in', 'inner in', 'handler', 'inner out', 'outer out'])
  })

  it('takes the answer of one that never calls next', async () => {
    const handler = vi.fn()
    const invoke = composeInterceptors([async () => 'cached'], handler)
    expect(await invoke('input', call)).toBe('cached')
    expect(handler).not.toHaveBeenCalled()
  })

  it('refuses a second call of next, and runs the handler once for each call', async () => {
    const handler = vi.fn(() => 1)
    const twice = composeInterceptors([async (_call, next) => [await next(), await next()]], handler)
    await expect(twice('input', call)).rejects.toThrow(
      'an interceptor of a.A/echo called next() twice [wiring.interceptor]',
    )
    expect(handler).toHaveBeenCalledTimes(1)
    const once = composeInterceptors([(_call, next) => next()], handler)
    expect(await once('input', call)).toBe(1)
    expect(await once('input', call)).toBe(1)
  })

  it('lets one see, replace and throw errors', async () => {
    const log: string[] = []
    const failure = new Error('from the handler')
    const replace: Interceptor = (_call, next) => next().catch(() => Promise.reject(new Error('replaced')))
    const fail = () => {
      throw failure
    }
    await expect(composeInterceptors([noting(log, 'outer')], fail)('input', call)).rejects.toBe(failure)
    await expect(composeInterceptors([replace], fail)('input', call)).rejects.toThrow('replaced')
    expect(log).toEqual(['outer in', 'outer out'])
  })

  it('takes what a handler throws at once, and any thenable that it gives, as if it were a promise', async () => {
    const pass: Interceptor = (_call, next) => next()
    const throwing = composeInterceptors([pass, pass], () => {
      throw new Error('at once')
    })
    await expect(throwing('input', call)).rejects.toThrow('at once')
    // oxlint-disable-next-line unicorn/no-thenable -- query builders are such things
    const query = { then: (resolve: (rows: string) => void) => resolve('rows') }
    expect(await composeInterceptors([pass, pass], () => query)('input', call)).toBe('rows')
  })

  it('refuses next() also to a handler that the first one led to', async () => {
    let again: (() => Promise<unknown>) | undefined
    const lending: Interceptor = (_call, next) => {
      again = next
      return next()
    }
    const handler = vi.fn(() => again?.())
    await expect(composeInterceptors([lending], handler)('input', call)).rejects.toThrow('called next() twice')
    expect(handler).toHaveBeenCalledTimes(1)
  })
})

describe('work that an interceptor leaves behind', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it.each<readonly [how: string, interceptor: Interceptor]>([
    ['by not waiting for it', async (_call, next) => (void next(), { text: 'cached' })],
    ['by detaching it', async (_call, next) => (detach(() => next()), { text: 'cached' })],
  ])('%s keeps the place of its call until it has ended', async (_how, interceptor) => {
    const finish = Promise.withResolvers<unknown>()
    const { send } = dispatcherFor(() => finish.promise, {
      limiters: [new Limiter({ maxRunning: 1, maxWaiting: 0 })],
      interceptors: [interceptor],
    })
    expect(await send()).toMatchObject({ ok: true, value: { text: 'cached' } })
    expect(errorOf(await send()).code).toBe('resource_exhausted')
    finish.resolve({ text: 'hi' })
    await vi.advanceTimersByTimeAsync(0)
    expect((await send()).ok).toBe(true)
  })

  it('is not begun once the call has ended, by an error or without one', async () => {
    const handler = vi.fn(() => ({ text: 'hi' }))
    const answers: Promise<unknown>[] = []
    const late =
      (answer: Promise<unknown>): Interceptor =>
      (_call, next) => {
        setTimeout(() => void answers.push(next().catch((error: unknown) => error)), 20)
        return answer
      }
    const never = new Promise<never>(() => undefined)
    const timedOut = dispatcherFor(handler, { interceptors: [late(never)] }).send({ timeoutMs: 10 })
    const cached = dispatcherFor(handler, { interceptors: [late(Promise.resolve({ text: 'cached' }))] }).send()
    await vi.advanceTimersByTimeAsync(20)
    expect(errorOf(await timedOut).code).toBe('deadline_exceeded')
    expect((await cached).ok).toBe(true)
    expect(await Promise.all(answers)).toMatchObject([{ code: 'deadline_exceeded' }, { code: 'cancelled' }])
    expect(handler).not.toHaveBeenCalled()
  })

  it('counts as abandoned until it has ended, although the interceptor gave it up at the deadline', async () => {
    const finish = Promise.withResolvers<unknown>()
    const impatient: Interceptor = ({ signal }, next) => {
      const gone = Promise.withResolvers<unknown>()
      signal.addEventListener('abort', () => gone.reject(signal.reason))
      return Promise.race([next(), gone.promise])
    }
    const { send, gate } = dispatcherFor(() => finish.promise, { interceptors: [impatient] })
    const outcome = send({ timeoutMs: 10 })
    await vi.advanceTimersByTimeAsync(10)
    expect(errorOf(await outcome).code).toBe('deadline_exceeded')
    await vi.advanceTimersByTimeAsync(0)
    expect(gate.abandonedCount).toBe(1)
    finish.resolve({ text: 'late' })
    await vi.advanceTimersByTimeAsync(0)
    expect(gate.abandonedCount).toBe(0)
  })

  const forgetful: Interceptor = async (_call, next) => (void next(), { text: 'cached' })

  it('keeps the signal of the call, which fires at its deadline, and counts as abandoned after it', async () => {
    const finish = Promise.withResolvers<unknown>()
    let signal: AbortSignal | undefined
    const handler: Invoke = (_input, call) => ((signal = call.signal), finish.promise)
    const { send, gate } = dispatcherFor(handler, { interceptors: [forgetful] })
    expect((await send({ timeoutMs: 10 })).ok).toBe(true)
    expect({ isAborted: signal?.aborted, running: gate.runningCount }).toEqual({ isAborted: false, running: 1 })
    await vi.advanceTimersByTimeAsync(10)
    expect(signal).toMatchObject({ aborted: true, reason: { code: 'deadline_exceeded' } })
    expect({ abandoned: gate.abandonedCount, running: gate.runningCount }).toEqual({ abandoned: 1, running: 0 })
    finish.resolve(undefined)
    await vi.advanceTimersByTimeAsync(0)
    expect(gate.abandonedCount).toBe(0)
  })

  it('is waited for by a drain', async () => {
    const finish = Promise.withResolvers<unknown>()
    const { send, gate } = dispatcherFor(() => finish.promise, { interceptors: [forgetful] })
    await send()
    const idle = vi.fn()
    const shut = gate.shut().then(idle)
    await vi.advanceTimersByTimeAsync(0)
    expect(idle).not.toHaveBeenCalled()
    finish.resolve(undefined)
    await shut
    expect({ cut: gate.cutCount, abandoned: gate.abandonedCount }).toEqual({ cut: 0, abandoned: 0 })
  })

  it('is cut at the deadline of the drain', async () => {
    let signal: AbortSignal | undefined
    const handler: Invoke = (_input, call) => ((signal = call.signal), new Promise(() => undefined))
    const { send, gate } = dispatcherFor(handler, { interceptors: [forgetful] })
    await send()
    const idle = gate.shut()
    gate.cutAll()
    await idle
    expect(signal).toMatchObject({ aborted: true, reason: { code: 'unavailable' } })
    expect({ cut: gate.cutCount, abandoned: gate.abandonedCount }).toEqual({ cut: 1, abandoned: 1 })
  })

  it('counts too where it is a thenable, or what an interceptor further in does', async () => {
    const limiters = () => [new Limiter({ maxRunning: 1, maxWaiting: 0 })]
    const finish = Promise.withResolvers<unknown>()
    // oxlint-disable-next-line unicorn/no-thenable -- query builders are such things
    const query = { then: finish.promise.then.bind(finish.promise) }
    const tidying: Interceptor = async (_call, next) => (await next(), finish.promise)
    for (const { send } of [
      dispatcherFor(() => query, { interceptors: [forgetful], limiters: limiters() }),
      dispatcherFor(() => ({ text: 'hi' }), { interceptors: [forgetful, tidying], limiters: limiters() }),
    ]) {
      expect((await send()).ok).toBe(true)
      await vi.advanceTimersByTimeAsync(0)
      expect(errorOf(await send()).code).toBe('resource_exhausted')
    }
    finish.resolve({ text: 'late' })
    await vi.advanceTimersByTimeAsync(0)
  })

  it('begins no interceptor further in once the call has ended', async () => {
    const inner = vi.fn<Interceptor>((_call, next) => next())
    const late: Interceptor = (_call, next) => new Promise((resolve) => setTimeout(() => resolve(next()), 20))
    const outcome = dispatcherFor(() => ({ text: 'hi' }), { interceptors: [late, inner] }).send({ timeoutMs: 10 })
    await vi.advanceTimersByTimeAsync(20)
    expect(errorOf(await outcome).code).toBe('deadline_exceeded')
    expect(inner).not.toHaveBeenCalled()
  })

  const own: Interceptor = async (_call, next) => {
    void next()
    return (async function* () {
      yield { text: 'own' }
    })()
  }

  it('keeps the place of a stream that is over', async () => {
    const finish = Promise.withResolvers<unknown>()
    const { send } = dispatcherFor(() => finish.promise, {
      kind: 'server_stream',
      interceptors: [own],
      limiters: [new Limiter({ maxRunning: 1, maxWaiting: 0 })],
    })
    expect(await allOf(itemsOf(await send()))).toEqual([{ text: 'own' }])
    await vi.advanceTimersByTimeAsync(0)
    expect(errorOf(await send()).code).toBe('resource_exhausted')
    finish.resolve((async function* () {})())
    await vi.advanceTimersByTimeAsync(0)
    expect((await send()).ok).toBe(true)
  })

  it('is closed where it is a stream that was opened, and keeps the place until it has cleaned up', async () => {
    const finish = Promise.withResolvers<void>()
    const next = vi.fn()
    const handler = async function* () {
      try {
        yield { text: 'a' }
        yield { text: 'b' }
      } finally {
        await finish.promise
      }
    } as Invoke
    const peeking: Interceptor = async (call, inner) => {
      const items = ((await inner()) as AsyncIterable<unknown>)[Symbol.asyncIterator]()
      await items.next()
      next.mockImplementation(() => items.next())
      return await own(call, async () => undefined)
    }
    const { send, gate } = dispatcherFor(handler, { kind: 'server_stream', interceptors: [peeking] })
    await allOf(itemsOf(await send()))
    await vi.advanceTimersByTimeAsync(0)
    expect(gate.runningCount).toBe(1)
    await expect(next()).rejects.toMatchObject({ code: 'cancelled' })
    finish.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(gate.runningCount).toBe(0)
  })
})
