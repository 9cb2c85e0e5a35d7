import { ServiceError } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import type { RecordToSend } from '../queue-driver.ts'
import { ProduceQueue } from './produce-queue.ts'

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
    const queue = new ProduceQueue(send)
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
    await queue.flush()
    expect(requests).toEqual([['1']])
  })

  it('flushes what waits', async () => {
    const { queue, requests, answer } = open()
    const pushed = queue.push([record('1')], bound)
    const flushed = queue.flush()
    await turn()
    answer()
    await flushed
    await pushed
    expect(requests).toEqual([['1']])
  })
})

const bound = { timeoutMs: 60_000 }

function open() {
  const requests: string[][] = []
  let answering = Promise.withResolvers<void>()
  const queue = new ProduceQueue((records) => {
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
