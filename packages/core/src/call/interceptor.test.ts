import { describe, expect, it, vi } from 'vitest'
import type { Call } from './call.ts'
import { composeInterceptors, type Interceptor } from './interceptor.ts'

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
})
