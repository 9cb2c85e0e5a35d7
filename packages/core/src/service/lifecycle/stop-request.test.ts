import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { StopRequest } from './stop-request.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const never = () => new Promise<never>(() => undefined)

describe('StopRequest', () => {
  it('lets steps run until it is made, and the one that runs then end', async () => {
    const request = new StopRequest('note', 10_000)
    expect(await request.letEnd('one', () => 1)).toBe(1)
    const slow = Promise.withResolvers<void>()
    const ended = request.letEnd('two', () => slow.promise)
    request.make()
    slow.resolve()
    await ended
    expect(request.signal.reason).toMatchObject({
      message: 'service note was asked to stop before it was ready [service.stopped]',
    })
    request.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('takes a step that gives up because of it for one that has ended, and no other that fails', async () => {
    const request = new StopRequest('note', 10_000)
    const ending = Promise.withResolvers<never>()
    const heeding = request.letEnd('migrate', () => ending.promise)
    request.make()
    ending.reject(new Error('no lock', { cause: request.signal.reason }))
    await expect(heeding).rejects.toBe(request.signal.reason)
    await expect(request.letEnd('warm', () => Promise.reject(new Error('no disk')))).rejects.toThrow('no disk')
    request.close()
  })

  it('gives up a step that does not end, with time left to undo the others', async () => {
    const request = new StopRequest('note', 10_000)
    const ended = request.letEnd('create providers', never).catch((error: Error) => error.message)
    await vi.advanceTimersByTimeAsync(5_000)
    request.make()
    await vi.advanceTimersByTimeAsync(7_999)
    expect(await Promise.race([ended, Promise.resolve('still waiting')])).toBe('still waiting')
    await vi.advanceTimersByTimeAsync(1)
    expect(await ended).toBe(
      'service note was asked to stop before it was ready, and "create providers" did not end in time [service.stopped]',
    )
  })

  it('gives up at once a step that nobody waits for any more, and tells why', async () => {
    const request = new StopRequest('note', 10_000)
    const ended = request.letEnd('listen', never)
    const reason = new Error('the start took too long')
    request.giveUp(reason)
    await expect(ended).rejects.toBe(reason)
    expect(request.signal.reason).toBe(reason)
  })

  it('gives up though no step runs, which is no failure that somebody must handle', async () => {
    const request = new StopRequest('note', 10_000)
    const unhandled = vi.fn()
    process.once('unhandledRejection', unhandled)
    request.giveUp(new Error('the start took too long'))
    await setImmediate()
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  it('keeps its first reason and its first deadline', async () => {
    const request = new StopRequest('note', 10_000)
    const reason = new Error('a transport failed')
    const startedAt = performance.now()
    request.make(reason)
    await vi.advanceTimersByTimeAsync(1_000)
    request.make(new Error('another'))
    expect(request.signal.reason).toBe(reason)
    expect(vi.getTimerCount()).toBe(1)
    expect(request.endsAtMs).toBe(startedAt + 10_000)
  })

  it('has nothing to give up once the start is over', () => {
    const request = new StopRequest('note', 10_000)
    request.close()
    request.make()
    expect(vi.getTimerCount()).toBe(0)
  })
})
