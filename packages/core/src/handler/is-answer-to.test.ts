import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { CallBounds } from '../client/call-bounds.ts'
import { ServiceError } from '../error/service-error.ts'
import { isAnswerTo } from './is-answer-to.ts'

const reason = new Error('the service was asked to stop')

describe('isAnswerTo', () => {
  it.each([
    ['the reason', () => reason],
    ['what names it as cause', () => new Error('aborted', { cause: reason })],
    ['what wraps that', () => new Error('migration failed', { cause: new Error('aborted', { cause: reason }) })],
    ['what a timer of Node.js throws', (signal: AbortSignal) => setTimeout(1, undefined, { signal })],
    ['what an emitter of Node.js throws', (signal: AbortSignal) => once(process, 'never', { signal })],
    [
      '`cancelled` of a call that was given it',
      (signal: AbortSignal) =>
        new CallBounds().wait({ endsAtMs: undefined, signal }, new Promise<never>(() => undefined)),
    ],
    ['what fetch throws', (signal: AbortSignal) => fetch('http://127.0.0.1:1', { signal })],
  ])('is true of %s', async (_what, answer) => {
    const signal = AbortSignal.abort(reason)
    const thrown = await Promise.resolve(answer(signal)).catch((error: unknown) => error)
    expect(isAnswerTo(signal, thrown)).toBe(true)
  })

  it.each([
    ['another error', () => new Error('no connection')],
    ['what another signal makes throw', () => AbortSignal.abort().reason],
    [
      '`cancelled` of a call that was given another one',
      () => new ServiceError('cancelled', 'the call was cancelled', { cause: AbortSignal.abort().reason }),
    ],
    ['no error', () => 'no connection'],
    ['nothing', () => undefined],
    [
      'an error that is its own cause',
      () => {
        const circle = new Error('circle')
        circle.cause = circle
        return circle
      },
    ],
  ])('is false of %s', (_what, thrown) => {
    expect(isAnswerTo(AbortSignal.abort(reason), thrown())).toBe(false)
  })

  it('is false before the signal has fired', () => {
    expect(isAnswerTo(new AbortController().signal, undefined)).toBe(false)
  })
})
