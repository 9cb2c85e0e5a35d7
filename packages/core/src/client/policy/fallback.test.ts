import { describe, expect, it, vi } from 'vitest'
import type { ServiceError } from '../../error/service-error.ts'
import { answering, failing, policed } from './policed-channel.test-harness.ts'

describe('a fallback', () => {
  it.each([
    ['unavailable', true],
    ['deadline_exceeded', true],
    ['resource_exhausted', true],
    ['internal', true],
    ['unknown', true],
    ['data_loss', true],
    ['not_found', false],
    ['invalid_argument', false],
    ['cancelled', false],
    ['permission_denied', false],
  ] as const)('takes the place of %s: %s', async (code, isReplaced) => {
    const fallback = vi.fn((_failure: ServiceError, { text }: { text: string }) => ({ text: `no ${text}` }))
    const { begin, clock, decisions } = policed({ operations: { add: { fallback } } }, failing(code))
    const outcome = begin('add')
    await clock.pass(0)
    if (isReplaced) expect(outcome).toEqual({ value: { text: 'no a' } })
    else expect(outcome.error).toMatchObject({ code })
    expect(fallback).toHaveBeenCalledTimes(isReplaced ? 1 : 0)
    expect(decisions.map((one) => [one.decision, one.code])).toEqual(isReplaced ? [['fallback', code]] : [])
  })

  it('may fail itself, and is not asked where the remote answers, nor for what is no failure of a call', async () => {
    const broken = new Error('broken')
    const operations = { read: { fallback: () => Promise.reject(broken) } }
    const own = new TypeError('own')
    const answers = [failing('unavailable'), answering('b'), () => Promise.reject(own)] as const
    const { begin, clock } = policed({ operations }, ...answers)
    const outcomes = [begin('read'), begin('read'), begin('read')]
    await clock.pass(0)
    expect(outcomes).toEqual([{ error: broken }, { value: { text: 'b' } }, { error: own }])
  })

  it('comes after all attempts, and for what a breaker or a bulkhead refuses', async () => {
    const fallback = ({ reason }: ServiceError) => ({ text: reason ?? 'none' })
    const policy = { retry: {}, breaker: true, operations: { read: { fallback } } }
    const { begin, clock, sent } = policed(policy, failing('unavailable'))
    const first = begin('read')
    await clock.pass(1_000)
    expect([first.value, sent.length]).toEqual([{ text: 'none' }, 3])
    clock.chance = 0
    let last: typeof first = {}
    for (let count = 0; count < 40; count += 1) {
      last = begin('read')
      await clock.pass(1)
    }
    expect(last).toEqual({ value: { text: 'breaker_open' } })
  })
})
