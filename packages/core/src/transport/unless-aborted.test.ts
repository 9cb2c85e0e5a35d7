import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { unlessAborted } from './unless-aborted.ts'

describe('unlessAborted', () => {
  it('comes to what the work comes to, and leaves no listener behind', async () => {
    const { signal } = new AbortController()
    await expect(unlessAborted(Promise.resolve(7), signal)).resolves.toBe(7)
    await expect(unlessAborted(Promise.reject(new Error('broken')), signal)).rejects.toThrow('broken')
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('comes to nothing as soon as the signal fires', async () => {
    const controller = new AbortController()
    const waiting = unlessAborted(new Promise<never>(() => undefined), controller.signal)
    controller.abort()
    await expect(waiting).resolves.toBeUndefined()
  })

  it('takes no answer after the signal has fired, and no failure of the work either', async () => {
    await expect(unlessAborted(Promise.resolve(7), AbortSignal.abort())).resolves.toBeUndefined()
    await expect(unlessAborted(Promise.reject(new Error('broken')), AbortSignal.abort())).resolves.toBeUndefined()
  })
})
