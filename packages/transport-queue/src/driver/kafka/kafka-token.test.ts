import { afterEach, describe, expect, it, vi } from 'vitest'
import type { KafkaToken } from './kafka-security.ts'
import { TokenSource } from './kafka-token.ts'

afterEach(() => void vi.useRealTimers())

describe('TokenSource', () => {
  it('gives all connections the same token until a quarter of its time is left', async () => {
    vi.useFakeTimers()
    let count = 0
    const source = new TokenSource(async () => ({ value: `t${++count}`, expiresAt: Date.now() + 100_000 }), 1_000)
    expect(await Promise.all([source.next(), source.next()])).toEqual(['t1', 't1'])
    vi.advanceTimersByTime(74_999)
    expect(await source.next()).toBe('t1')
    vi.advanceTimersByTime(1)
    expect(await source.next()).toBe('t2')
  })

  it('asks for one that does not expire every time', async () => {
    let count = 0
    const source = new TokenSource(async () => ({ value: `t${++count}` }), 1_000)
    expect([await source.next(), await source.next()]).toEqual(['t1', 't2'])
  })

  it('asks again after a failure', async () => {
    const answers = [Promise.reject(new Error('away')), Promise.resolve({ value: 'token' })]
    const source = new TokenSource(() => answers.shift() ?? Promise.reject(new Error('asked too often')), 1_000)
    await expect(source.next()).rejects.toThrow('away')
    expect(await source.next()).toBe('token')
  })

  it('gives up, and tells the provider, when no token comes in time', async () => {
    const signals: AbortSignal[] = []
    const source = new TokenSource((signal) => {
      signals.push(signal)
      return new Promise(() => undefined)
    }, 5)
    await expect(source.next()).rejects.toThrow('sasl.token gave no token within 5 ms')
    await vi.waitFor(() => expect(signals[0]?.aborted).toBe(true))
  })

  it.each([undefined, 'hush', { value: '' }, { value: 'hush', expiresAt: 'soon' }])(
    'refuses %o, without quoting it',
    async (given) => {
      const source = new TokenSource(async () => given as KafkaToken, 1_000)
      const failed = source.next()
      await expect(failed).rejects.toThrow('sasl.token must give { value, expiresAt }')
      await expect(failed).rejects.not.toThrow('hush')
    },
  )

  it('takes a provider that throws for one that fails', async () => {
    const source = new TokenSource(() => {
      throw new Error('at once')
    }, 1_000)
    await expect(source.next()).rejects.toThrow('at once')
  })
})
