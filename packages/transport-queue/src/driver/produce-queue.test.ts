import { ServiceError } from '@tenon/core/transport'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { RecordToSend } from '../queue-driver.ts'
import { ProduceQueue } from './produce-queue.ts'

afterEach(() => void vi.useRealTimers())

describe('ProduceQueue', () => {
  it('has one request under way and sends what came meanwhile in the next', async () => {
    const { queue, requests, answer } = open()
    const first = queue.push([record('1')], bound)
    await turn()
    const others = [queue.push([record('2')], bound), queue.push([record('3'), record('4')], bound)]
    await turn()
    expect(requests).toEqual([['1']])
    answer()
    await first
    await turn()
    expect(requests).toEqual([['1'], ['2', '3', '4']])
    answer()
    await Promise.all(others)
  })

  it('sends what is pushed in one turn together', async () => {
    const { queue, requests, answer } = open()
    const pushed = [queue.push([record('1')], bound), queue.push([record('2')], bound)]
    await turn()
    answer()
    await Promise.all(pushed)
    expect(requests).toEqual([['1', '2']])
  })

  it('keeps a request below what a broker takes', async () => {
    const { queue, requests, answer } = open()
    const large = 'x'.repeat(400_000)
    const pushed = [queue.push([record(large)], bound), queue.push([record(large)], bound)]
    await turn()
    answer()
    await turn()
    answer()
    await Promise.all(pushed)
    expect(requests).toHaveLength(2)
  })

  it('fails all records of a request when no broker answers', async () => {
    const { queue, fail } = open()
    const pushed = [queue.push([record('1')], bound), queue.push([record('2')], bound)]
    await turn()
    fail(new ServiceError('unavailable', 'away'))
    for (const one of pushed) await expect(one).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('lets a record that is never taken fail alone', async () => {
    const send = async (records: readonly RecordToSend[]) => {
      if (records.some(({ value }) => String(value) === 'bad')) throw new ServiceError('internal', 'too large')
    }
    const queue = new ProduceQueue(settings, send)
    const [good, bad, next] = ['good', 'bad', 'next'].map((value) => queue.push([record(value)], bound))
    await expect(bad).rejects.toMatchObject({ code: 'internal' })
    await Promise.all([good, next])
  })

  it('never sends what was not begun in its time, or whose signal fired', async () => {
    const { queue, requests, answer } = open()
    const first = queue.push([record('1')], bound)
    await turn()
    const signal = new AbortController()
    const late = queue.push([record('late')], { timeoutMs: 1 })
    const aborted = queue.push([record('aborted')], { ...bound, signal: signal.signal })
    signal.abort()
    await expect(aborted).rejects.toMatchObject({ code: 'cancelled' })
    await expect(late).rejects.toMatchObject({ code: 'unavailable' })
    answer()
    await first
    await queue.close(60_000)
    expect(requests).toEqual([['1']])
  })

  it('sends what waits when it is closed, and takes nothing more', async () => {
    const { queue, requests, answer } = open({ lingerMs: 600_000 })
    const pushed = queue.push([record('1')], bound)
    const closed = queue.close(60_000)
    await expect(queue.push([record('late')], bound)).rejects.toMatchObject({ code: 'unavailable' })
    await turn()
    answer()
    await closed
    await pushed
    expect(requests).toEqual([['1']])
  })

  it('tells every caller whose records were not sent when closing took too long', async () => {
    const { queue, requests } = open({ maxBufferedBytes: 150 })
    const sending = queue.push([record('sending')], bound)
    await turn()
    const others = [queue.push([record('waits')], bound), queue.push([record('without room')], bound)]
    const results = Promise.allSettled([sending, ...others])
    await queue.close(1)
    for (const result of await results)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
    expect(requests).toEqual([['sending']])
  })

  it('waits for others for the time that it is told to, and no longer than until a request is full', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { queue, requests, answer } = open({ lingerMs: 20, maxBatchBytes: 300 })
    const first = queue.push([record('1')], bound)
    await vi.advanceTimersByTimeAsync(19)
    const second = queue.push([record('2')], bound)
    expect(requests).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(requests).toEqual([['1', '2']])
    answer()
    await Promise.all([first, second])
    const full = queue.push([record('x'.repeat(300))], bound)
    await turn()
    expect(requests).toHaveLength(2)
    answer()
    await full
  })

  it('lets producers wait for room, in their order, and tells those for whom there is none in time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { queue, requests, answer } = open({ maxBufferedBytes: 150 })
    const pushed = ['1', '2', '3', '4'].map((value) => queue.push([record(value)], bound))
    const hasty = queue.push([record('hasty')], { timeoutMs: 10 })
    const told = expect(hasty).rejects.toThrow('no room among the 150 bytes')
    await turn()
    expect(requests).toEqual([['1', '2']])
    await vi.advanceTimersByTimeAsync(10)
    await told
    answer()
    await turn()
    expect(requests).toEqual([
      ['1', '2'],
      ['3', '4'],
    ])
    answer()
    await Promise.all(pushed)
  })

  it('takes a record that is larger than all the room when nothing else is there', async () => {
    const { queue, requests, answer } = open({ maxBufferedBytes: 100 })
    const pushed = queue.push([record('x'.repeat(1_000))], bound)
    await turn()
    answer()
    await pushed
    expect(requests).toHaveLength(1)
  })
})

const bound = { timeoutMs: 60_000 }

const settings = { lingerMs: 0, maxBatchBytes: 524_288, maxBufferedBytes: 33_554_432 }

function open(given: Partial<typeof settings> = {}) {
  const requests: string[][] = []
  let answering = Promise.withResolvers<void>()
  const queue = new ProduceQueue({ ...settings, ...given }, (records) => {
    requests.push(records.map(({ value }) => String(value)))
    answering = Promise.withResolvers()
    return answering.promise
  })
  return { queue, requests, answer: () => answering.resolve(), fail: (error: Error) => answering.reject(error) }
}

function record(value: string): RecordToSend {
  return { topic: 't', key: null, value: Buffer.from(value), headers: [] }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
