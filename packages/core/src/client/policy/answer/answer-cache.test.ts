import { describe, expect, it } from 'vitest'
import { AnswerCache } from './answer-cache.ts'
import { askedKey } from './asked-key.ts'
import { type Answer, callWith, failing, operationOf, policed } from '../policed-channel.test-harness.ts'
import { VirtualClock } from '../virtual-clock.test-harness.ts'

const counting = (): Answer => {
  let count = 0
  return (_call, input) => ({ ...(input as object), count: ++count })
}

describe('a cache', () => {
  it('answers the same call again, until the answer is too old', async () => {
    const { begin, clock, decisions, sent } = policed({ cache: { ttlMs: 100 } }, counting())
    begin('read')
    await clock.pass(99)
    const [again, other] = [begin('read'), begin('read', {}, { text: 'b' })]
    await clock.pass(0)
    expect(again.value).toEqual({ text: 'a', count: 1 })
    expect(other.value).toEqual({ text: 'b', count: 2 })
    expect(decisions.map(({ decision }) => decision)).toEqual(['cache_hit'])
    await clock.pass(1)
    begin('read')
    await clock.pass(0)
    expect(sent).toHaveLength(3)
  })

  it('gives each caller an answer of its own to change', async () => {
    const { begin, clock } = policed({ cache: { ttlMs: 100 } }, counting())
    for (let round = 0; round < 3; round += 1) {
      const { value } = await passed(begin('read'), clock)
      expect(value).toEqual({ text: 'a', count: 1 })
      Object.assign(value as object, { text: 'changed' })
    }
  })

  it('keeps no failure, and nothing of other operations', async () => {
    const { begin, clock, sent } = policed({ cache: { ttlMs: 100 } }, failing('not_found'), counting())
    for (const name of ['read', 'read', 'read', 'put', 'put'] as const) await passed(begin(name), clock)
    expect(sent).toHaveLength(4)
  })

  it('holds so many, and lets go of what was not used for longest', () => {
    const cache = new AnswerCache({ ttlMs: 100, maxEntryCount: 2 }, new VirtualClock())
    cache.set('a', 1)
    cache.set('b', 2)
    cache.get('a')
    cache.set('c', 3)
    expect(['a', 'b', 'c'].map((key) => cache.get(key)?.answer)).toEqual([1, undefined, 3])
    cache.set('c', 4)
    expect(['a', 'c'].map((key) => cache.get(key)?.answer)).toEqual([1, 4])
  })
})

describe('what a call asks for', () => {
  const keyOf = (input: unknown, metadata: Record<string, string> = {}) =>
    askedKey({
      operation: operationOf('read'),
      input,
      call: callWith({ metadata }),
      isOutputStream: false,
      send: () => Promise.resolve(),
    })

  it('is its input and its metadata, in whatever order that is', () => {
    expect(keyOf({ a: 1 }, { 'x-b': '2', 'x-a': '1' })).toBe(keyOf({ a: 1 }, { 'x-a': '1', 'x-b': '2' }))
    expect(keyOf({ a: 1 }, { 'x-request-id': '1', traceparent: '1' })).toBe(keyOf({ a: 1 }))
  })

  it.each([
    [{ a: 1 }, { a: '1' }],
    [{ a: 1n }, { a: '1' }],
    [{ a: 1n }, { a: 2n }],
    [{ a: Buffer.from('a') }, { a: Buffer.from('b') }],
    [{ a: new Date(1) }, { a: new Date(2) }],
    [{ a: Number.NaN }, { a: null }],
    [{ a: 'ä' }, { a: 'ö' }],
  ])('differs, case %#', (...inputs) => {
    const [one, other] = inputs.map((input) => keyOf(input))
    expect(one).not.toBe(other)
  })

  it.each(['authorization', 'x-tenant-id', 'baggage'])('differs by %s', (name) => {
    expect(keyOf({}, { [name]: 'a' })).not.toBe(keyOf({}, { [name]: 'b' }))
  })
})

async function passed<Outcome>(outcome: Outcome, clock: VirtualClock): Promise<Outcome> {
  await clock.pass(0)
  return outcome
}
