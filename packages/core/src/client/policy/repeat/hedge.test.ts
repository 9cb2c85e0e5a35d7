import { describe, expect, it } from 'vitest'
import { outrun } from '../../target/outcome.ts'
import { RecentLatency } from './recent-latency.ts'
import { type Answer, answering, failing, hanging, policed } from '../policed-channel.test-harness.ts'

/** Ends after a time, or when it is cancelled. */
const after =
  (ms: number, then: Answer): Answer =>
  (call, input, clock) =>
    new Promise((resolve, reject) => {
      clock.after(ms, () => {
        try {
          resolve(then(call, input, clock))
        } catch (error) {
          reject(error as Error)
        }
      })
    })

describe('a hedge', () => {
  it('goes out beside an attempt that takes long, and the loser is cancelled', async () => {
    const { begin, clock, decisions, sent } = policed({ hedge: { delayMs: 20 } }, hanging, after(5, answering('b')))
    const outcome = begin('read')
    await clock.pass(19)
    expect(sent).toHaveLength(1)
    await clock.pass(6)
    expect(outcome).toEqual({ value: { text: 'b' } })
    expect(sent.map(({ signal }) => signal?.reason)).toEqual([outrun, undefined])
    expect(sent.map(({ attempt, previousAttemptCount }) => [attempt?.isHedge, previousAttemptCount])).toEqual([
      [undefined, 0],
      [true, 1],
    ])
    expect(sent[0]?.attempt?.tried).toBe(sent[1]?.attempt?.tried)
    expect(decisions.map(({ decision }) => decision)).toEqual(['hedge', 'hedge_won'])
    expect(clock.nextInMs).toBeUndefined()
  })

  it('is cancelled when the first attempt is faster after all', async () => {
    const { begin, clock, decisions, sent } = policed({ hedge: { delayMs: 20 } }, after(25, answering('a')), hanging)
    const outcome = begin('read')
    await clock.pass(100)
    expect(outcome).toEqual({ value: { text: 'a' } })
    expect(sent[1]?.signal?.aborted).toBe(true)
    expect(sent[1]?.signal?.reason).not.toBe(outrun)
    expect(decisions.map(({ decision }) => decision)).toEqual(['hedge'])
  })

  it('wins nothing that comes after the answer, whatever it comes to', async () => {
    const { begin, clock, decisions } = policed(
      { hedge: { delayMs: 20 } },
      after(25, answering('a')),
      after(10, answering('b')),
    )
    const outcome = begin('read')
    await clock.pass(100)
    expect(outcome).toEqual({ value: { text: 'a' } })
    expect(decisions.map(({ decision }) => decision)).toEqual(['hedge'])
  })

  it('is not made for a call that ends in time, whatever with', async () => {
    for (const first of [after(19, answering('a')), after(19, failing('unavailable'))]) {
      const { begin, clock, sent } = policed({ hedge: { delayMs: 20 } }, first)
      begin('read')
      await clock.pass(100)
      expect(sent).toHaveLength(1)
    }
  })

  it('waits for the other attempt where one fails, and ends with an answer that is final', async () => {
    const hedge = { delayMs: 20 }
    const patient = policed({ hedge }, after(50, answering('a')), after(5, failing('unavailable')))
    const waited = patient.begin('read')
    await patient.clock.pass(100)
    expect(waited).toEqual({ value: { text: 'a' } })
    const final = policed({ hedge }, hanging, after(5, failing('not_found')))
    const ended = final.begin('read')
    await final.clock.pass(25)
    expect(ended.error).toMatchObject({ code: 'not_found' })
    expect(final.sent[0]?.signal?.aborted).toBe(true)
    const broken = policed({ hedge }, after(50, failing('unavailable')), after(5, failing('unavailable')))
    const failed = broken.begin('read')
    await broken.clock.pass(100)
    expect(failed.error).toMatchObject({ code: 'unavailable' })
  })

  it('comes out of the budget, and is for safe operations', async () => {
    const { begin, clock, sent } = policed({ hedge: { delayMs: 20 } }, hanging)
    for (let count = 0; count < 50; count += 1) begin('read')
    begin('put')
    await clock.pass(100)
    expect(sent).toHaveLength(61)
  })

  it('ends with its caller', async () => {
    const leaving = new AbortController()
    const { begin, clock, sent } = policed({ hedge: { delayMs: 20 } }, hanging)
    const [left, late] = [begin('read', { signal: leaving.signal }), begin('read', { timeoutMs: 50 })]
    await clock.pass(30)
    leaving.abort()
    await clock.pass(20)
    expect(left.error).toMatchObject({ code: 'cancelled' })
    expect(late.error).toMatchObject({ code: 'deadline_exceeded' })
    expect(sent.map(({ timeoutMs }) => timeoutMs)).toEqual([undefined, 50, undefined, 30])
  })

  it('tells what the reply says which is the answer, once', async () => {
    const saying = (text: string, ms: number): Answer =>
      after(ms, (call) => {
        call.onHeaders?.({ from: text })
        return { text }
      })
    const { begin, clock } = policed({ hedge: { delayMs: 20 } }, saying('a', 30), saying('b', 10))
    const told: unknown[] = []
    begin('read', { onHeaders: (headers) => told.push(headers) })
    await clock.pass(100)
    expect(told).toHaveLength(1)
  })

  it('waits as long as most calls take, once enough of them are known', async () => {
    const slowTenth = Array.from({ length: 100 }, (_, index) => after(index % 10 === 0 ? 80 : 10, answering('a')))
    const { begin, clock, sent } = policed({ hedge: { percentile: 0.9 } }, answering('a'), ...slowTenth, hanging)
    for (let count = 0; count < 101; count += 1) {
      begin('read')
      await clock.pass(80)
    }
    expect(sent).toHaveLength(101)
    begin('read')
    await clock.pass(9)
    expect(sent).toHaveLength(102)
    await clock.pass(1)
    expect(sent).toHaveLength(103)
  })
})

it('latencies are those of the last thousand calls', () => {
  const latency = new RecentLatency(0.99)
  for (let count = 0; count < 99; count += 1) latency.add(5)
  expect(latency.belowMs).toBeUndefined()
  latency.add(700)
  expect(latency.belowMs).toBe(5)
  for (let count = 0; count < 1_000; count += 1) latency.add(count)
  expect(latency.belowMs).toBe(989)
})
