import { describe, expect, it } from 'vitest'
import { wasNotSent } from '../not-sent.ts'
import { type Answer, callWith, hanging, operationOf, outcomeOf, policed } from './policed-channel.test-harness.ts'

/** Calls end in the order in which they are let go. */
function gates() {
  const waiting: (() => void)[] = []
  const answer: Answer = (_call, input) => new Promise((resolve) => void waiting.push(() => resolve(input)))
  return { answer, letGo: () => waiting.shift()?.() }
}

describe('a bulkhead', () => {
  it('lets so many calls run, so many wait, and refuses the others', async () => {
    const { answer, letGo } = gates()
    const { begin, clock, sent, decisions } = policed({ bulkhead: { maxRunning: 2, maxWaiting: 1 } }, answer)
    const outcomes = [begin('read'), begin('put'), begin('add'), begin('read')]
    await clock.pass(0)
    expect(sent).toHaveLength(2)
    expect(outcomes[3]?.error).toMatchObject({ code: 'resource_exhausted', reason: 'bulkhead_full' })
    expect(wasNotSent(outcomes[3]?.error)).toBe(true)
    expect(decisions).toEqual([{ contract: 'demo.NoteService', operation: 'read', decision: 'bulkhead_refused' }])
    letGo()
    await clock.pass(0)
    expect(sent).toHaveLength(3)
    expect(begin('read').error).toBeUndefined()
  })

  it('gives its places back, whatever a call comes to', async () => {
    const { begin, clock, sent } = policed({ bulkhead: { maxRunning: 1 } }, hanging)
    for (let count = 1; count <= 3; count += 1) {
      begin('read', { timeoutMs: 10 })
      await clock.pass(10)
      expect(sent).toHaveLength(count)
    }
  })

  it('lets calls wait within their own time only, and take what is left of it', async () => {
    const { answer, letGo } = gates()
    const leaving = new AbortController()
    const { begin, clock, sent } = policed({ bulkhead: { maxRunning: 1, maxWaiting: 3 } }, answer)
    begin('read')
    const [late, left, last] = [
      begin('read', { timeoutMs: 30 }),
      begin('read', { signal: leaving.signal }),
      begin('read', { timeoutMs: 100 }),
    ]
    await clock.pass(30)
    expect(late.error).toMatchObject({ code: 'deadline_exceeded' })
    leaving.abort()
    await clock.pass(10)
    expect(left.error).toMatchObject({ code: 'cancelled' })
    letGo()
    await clock.pass(0)
    expect(sent.map(({ timeoutMs }) => timeoutMs)).toEqual([undefined, 60])
    letGo()
    await clock.pass(0)
    expect(last.value).toEqual({ text: 'a' })
    expect(clock.nextInMs).toBeUndefined()
  })

  it('sends nothing without a place where a timer fires early', async () => {
    const { begin, clock, sent } = policed({ bulkhead: { maxRunning: 1, maxWaiting: 1 } }, hanging)
    clock.earlyMs = 0.5
    begin('read')
    const waiting = begin('read', { timeoutMs: 30 })
    await clock.pass(30)
    expect(waiting.error).toMatchObject({ code: 'deadline_exceeded' })
    expect(sent).toHaveLength(1)
  })

  it('ends what waits when the client is closed', async () => {
    const { begin, channel, clock } = policed({ bulkhead: { maxRunning: 1, maxWaiting: 1 } }, hanging)
    begin('read')
    const waiting = begin('read')
    await clock.pass(0)
    await channel.close()
    await clock.pass(0)
    expect(waiting.error).toMatchObject({ code: 'unavailable' })
  })

  it('of an operation is its own', async () => {
    const policy = {
      bulkhead: { maxRunning: 1 },
      operations: { put: { bulkhead: { maxRunning: 1 } }, add: { bulkhead: false } },
    } as const
    const { begin, clock } = policed(policy, hanging)
    const outcomes = (['read', 'put', 'add', 'add', 'put', 'read'] as const).map((name) => begin(name))
    await clock.pass(0)
    expect(outcomes.map(({ error }) => error !== undefined)).toEqual([false, false, false, false, true, true])
  })

  it('counts a stream until it is read to its end or left', async () => {
    const { begin, channel, clock } = policed({ bulkhead: { maxRunning: 1 } }, () => [{ text: 'a' }, { text: 'b' }])
    const watch = () => channel.serverStream(operationOf('watch'), {}, callWith())
    const isFull = async () => {
      const outcome = begin('read')
      await clock.pass(0)
      return outcome.error !== undefined
    }
    const items = watch()[Symbol.asyncIterator]()
    await items.next()
    await items.next()
    expect(await isFull()).toBe(true)
    await items.next()
    expect(await isFull()).toBe(false)
    for await (const _item of watch()) break
    expect(await isFull()).toBe(false)
    const failed = outcomeOf(watch()[Symbol.asyncIterator]().next())
    await clock.pass(0)
    expect(failed.error).toBeUndefined()
    expect(await isFull()).toBe(true)
  })
})
