import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { firstOf } from './wait.ts'

describe('firstOf', () => {
  const ended = (over: AbortSignal) =>
    new Promise<string>((resolve) => over.addEventListener('abort', () => resolve('ended')))

  it('comes to what the first comes to, ends the others, and leaves no listener behind', async () => {
    const { signal } = new AbortController()
    const overs: AbortSignal[] = []
    const waits = [
      (over: AbortSignal) => (overs.push(over), ended(over)),
      async (over: AbortSignal) => (overs.push(over), 'first'),
    ]
    await expect(firstOf(waits, signal)).resolves.toBe('first')
    expect(overs.map(({ aborted }) => aborted)).toEqual([true, true])
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('ends the others where one fails', async () => {
    const { signal } = new AbortController()
    let isEnded = false
    const waits = [
      (over: AbortSignal) => ended(over).then(() => (isEnded = true)),
      async () => Promise.reject<boolean>(new Error('broken')),
    ]
    await expect(firstOf(waits, signal)).rejects.toThrow('broken')
    expect([isEnded, getEventListeners(signal, 'abort')]).toEqual([true, []])
  })

  it.each(['while it waits', 'before it begins'])('ends all when the signal fires %s', async (when) => {
    const controller = new AbortController()
    if (when === 'before it begins') controller.abort()
    const untilOver = async (over: AbortSignal) => (over.aborted ? 'ended' : ended(over))
    const waiting = firstOf([untilOver, untilOver], controller.signal)
    controller.abort()
    await expect(waiting).resolves.toBe('ended')
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })
})
