import { afterEach, describe, expect, it, vi } from 'vitest'
import { ServiceError } from '../../../error/service-error.ts'
import type { ClientInterceptor } from '../../client-method.ts'
import type { ClientChannel } from '../../client-transport.ts'
import { type Client, remote } from '../../remote.ts'
import { answering, failing, hanging, notes, outcomeOf, policed } from '../policed-channel.test-harness.ts'

afterEach(() => void vi.useRealTimers())

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

  it('has the last tenth of the time of a call, and no more than 50 ms', async () => {
    const fallback = vi.fn(() => ({ text: 'b' }))
    const { begin, clock, sent } = policed({ operations: { add: { fallback } } }, hanging)
    const outcomes = [begin('add', { timeoutMs: 100 }), begin('add', { timeoutMs: 5_000 }), begin('add')]
    expect(sent.map(({ timeoutMs }) => timeoutMs)).toEqual([90, 4_950, undefined])
    await clock.pass(90)
    expect(outcomes.map(({ value }) => value)).toEqual([{ text: 'b' }, undefined, undefined])
    await clock.pass(4_860)
    expect(fallback).toHaveBeenCalledTimes(2)
  })

  it('that takes a while answers within the deadline, with interceptors and without', async () => {
    vi.useFakeTimers()
    const late = () => new ServiceError('deadline_exceeded', 'late')
    const unary: ClientChannel['unary'] = (_operation, _input, { timeoutMs }) =>
      new Promise((_resolve, reject) => void setTimeout(() => reject(late()), timeoutMs))
    const via = { name: 'fake', open: () => ({ unary, close: async () => undefined }) as unknown as ClientChannel }
    const fallback = () => new Promise<{ text: string }>((resolve) => void setTimeout(resolve, 10, { text: 'b' }))
    const given = { via, at: 'static:///a:1', policy: { operations: { add: { fallback } } } }
    const through: ClientInterceptor = (_call, next) => next()
    const outcomes = [[], [through]].map((interceptors) => {
      const client = remote(notes, { ...given, interceptors }).create({ note: () => undefined }) as Client<typeof notes>
      return outcomeOf(client.add({ text: 'a' }, { timeoutMs: 200 }))
    })
    await vi.advanceTimersByTimeAsync(210)
    expect(outcomes).toEqual([{ value: { text: 'b' } }, { value: { text: 'b' } }])
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
