import { describe, expect, it } from 'vitest'
import { type Answer, answering, failing, hanging, policed } from '../policed-channel.test-harness.ts'

const afterTen =
  (then: Answer): Answer =>
  async (call, input, clock) => {
    await new Promise<void>((resolve) => void clock.after(10, resolve))
    return await then(call, input, clock)
  }

describe('calls that ask for the same at the same time', () => {
  it('share one, each with an answer of its own', async () => {
    const { begin, clock, decisions, sent } = policed({ coalesce: true }, afterTen(answering('a')))
    const outcomes = [begin('read'), begin('read'), begin('read', {}, { text: 'b' }), begin('put'), begin('put')]
    await clock.pass(10)
    expect(sent).toHaveLength(4)
    expect(outcomes.map(({ value }) => value)).toEqual(outcomes.map(() => ({ text: 'a' })))
    expect(outcomes[0]?.value).not.toBe(outcomes[1]?.value)
    expect(decisions.map(({ decision }) => decision)).toEqual(['coalesced'])
    begin('read')
    await clock.pass(10)
    expect(sent).toHaveLength(5)
  })

  it('share a failure', async () => {
    const { begin, clock, sent } = policed({ coalesce: true }, afterTen(failing('not_found')), answering('b'))
    const outcomes = [begin('read'), begin('read')]
    await clock.pass(10)
    expect(sent).toHaveLength(1)
    for (const { error } of outcomes) expect(error).toMatchObject({ code: 'not_found' })
    expect(begin('read').error).toBeUndefined()
  })

  it('end each with its own caller, and the shared one with the last', async () => {
    const leaving = [new AbortController(), new AbortController()]
    const { begin, clock, sent } = policed({ coalesce: true }, hanging)
    const [first, second] = leaving.map(({ signal }) => begin('read', { signal }))
    await clock.pass(1)
    leaving[0]?.abort()
    await clock.pass(1)
    expect(first?.error).toMatchObject({ code: 'cancelled' })
    expect([second?.error, sent[0]?.signal?.aborted]).toEqual([undefined, false])
    leaving[1]?.abort()
    await clock.pass(1)
    expect(second?.error).toMatchObject({ code: 'cancelled' })
    expect(sent[0]?.signal?.aborted).toBe(true)
    begin('read')
    await clock.pass(0)
    expect(sent).toHaveLength(2)
  })

  it('begin a call of their own where a shared one was left, which ends when it likes', async () => {
    const leaving = new AbortController()
    const late = Promise.withResolvers<unknown>()
    const { begin, clock, sent } = policed({ coalesce: true }, () => late.promise, hanging)
    begin('read', { signal: leaving.signal })
    await clock.pass(0)
    leaving.abort()
    await clock.pass(0)
    begin('read')
    await clock.pass(0)
    expect(sent).toHaveLength(2)
    late.resolve({ text: 'a' })
    await clock.pass(0)
    begin('read')
    await clock.pass(0)
    expect(sent).toHaveLength(2)
  })

  it('end each at its own deadline: later ones go on with a call of their own', async () => {
    const { begin, clock, sent } = policed({ coalesce: true }, hanging, afterTen(answering('b')))
    const [first, long, longest] = [
      begin('read', { timeoutMs: 50 }),
      begin('read', { timeoutMs: 200 }),
      begin('read', { timeoutMs: 300 }),
    ]
    await clock.pass(49)
    const short = begin('read', { timeoutMs: 1 })
    await clock.pass(1)
    for (const { error } of [first, short]) expect(error).toMatchObject({ code: 'deadline_exceeded' })
    await clock.pass(10)
    for (const { value } of [long, longest]) expect(value).toEqual({ text: 'b' })
    expect(sent.map(({ timeoutMs }) => timeoutMs)).toEqual([50, 150])
  })

  it('share a deadline that the remote says has passed while their own has not', async () => {
    const { begin, clock, sent } = policed({ coalesce: true }, afterTen(failing('deadline_exceeded')))
    const outcomes = Array.from({ length: 40 }, () => begin('read', { timeoutMs: 1_000 }))
    await clock.pass(1_000)
    expect(sent).toHaveLength(1)
    for (const { error } of outcomes) expect(error).toMatchObject({ code: 'deadline_exceeded' })
  })

  it('are not sent again at a deadline that they have in common, even where timers fire early', async () => {
    const early = policed({ coalesce: true }, hanging)
    early.clock.earlyMs = 0.5
    const outcomes = [early.begin('read', { timeoutMs: 50 }), early.begin('read', { timeoutMs: 50 })]
    await early.clock.pass(50)
    expect(early.sent).toHaveLength(1)
    for (const { error } of outcomes) expect(error).toMatchObject({ code: 'deadline_exceeded' })
  })

  it('are not sent again where the remote says a little before their deadline that it has passed', async () => {
    const { begin, clock, sent } = policed({ coalesce: true }, afterTen(failing('deadline_exceeded')))
    const outcomes = [begin('read', { timeoutMs: 10.5 }), begin('read', { timeoutMs: 10.6 })]
    await clock.pass(20)
    expect(sent).toHaveLength(1)
    for (const { error } of outcomes) expect(error).toMatchObject({ code: 'deadline_exceeded' })
  })

  it('go on where the deadline of the first was noticed a little early', async () => {
    const late = afterTen(failing('deadline_exceeded'))
    const { begin, clock, sent } = policed({ coalesce: true }, late, afterTen(answering('b')))
    begin('read', { timeoutMs: 11 })
    const long = begin('read', { timeoutMs: 200 })
    await clock.pass(20)
    expect(long.value).toEqual({ text: 'b' })
    expect(sent).toHaveLength(2)
  })

  it('are answered by a cache from then on', async () => {
    const { begin, clock, sent } = policed({ coalesce: true, cache: { ttlMs: 100 } }, afterTen(answering('a')))
    begin('read')
    begin('read')
    await clock.pass(10)
    const cached = begin('read')
    await clock.pass(0)
    expect(cached.value).toEqual({ text: 'a' })
    expect(sent).toHaveLength(1)
  })
})
