import { ServiceError } from '@tenon/core/transport'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ReadBound, ReceivedRecord } from '../queue-driver.ts'
import { type FetchedPage, type PartitionSource, readPartition } from './partition-reading.ts'

const range = { topic: 'topic', partition: 0, fromOffset: 0 }

describe('readPartition', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  it('fetches nothing before what was fetched last has been taken', async () => {
    const source = fakeSource({ endOffset: 6 })
    const reading = readPartition(source, range, bound)
    expect(source.asked).toEqual([])
    for (const expected of [0, 2, 4]) {
      expect(await reading.next()).toMatchObject({ value: [{ offset: expected }, { offset: expected + 1 }] })
      await vi.advanceTimersByTimeAsync(10_000)
      expect(source.asked.at(-1)).toBe(expected)
    }
    expect(await reading.next()).toEqual({ done: true, value: undefined })
    expect(source.asked).toEqual(['bounds', 0, 2, 4])
  })

  it('hands out nothing at or behind the end of the range, though it was fetched', async () => {
    const source = fakeSource({ endOffset: 6 })
    expect(await offsetsOf(readPartition(source, { ...range, fromOffset: 2, toOffset: 5 }, bound))).toEqual([2, 3, 4])
    expect(source.asked).toEqual(['bounds', 2, 4])
  })

  it('passes over what is gone or not for readers, and ends where the last offsets hold no records', async () => {
    const pages: Record<number, FetchedPage> = {
      3: { records: [], nextOffset: 5 },
      5: { records: [recordAt(7)], nextOffset: 9 },
      9: { records: [], nextOffset: 12 },
    }
    const source = fakeSource({ earliestOffset: 3, endOffset: 12, fetch: (offset) => pages[offset] })
    const reading = readPartition(source, range, bound)
    expect(await reading.next()).toMatchObject({ value: [{ offset: 7 }] })
    expect(await reading.next()).toEqual({ done: true, value: undefined })
    expect(source.asked).toEqual(['bounds', 3, 5, 9])
  })

  it('asks for nothing of an empty range', async () => {
    const source = fakeSource({ earliestOffset: 2, endOffset: 6 })
    for (const given of [{ toOffset: 0 }, { toOffset: 2 }, { fromOffset: 6 }, { fromOffset: 5, toOffset: 4 }])
      expect(await offsetsOf(readPartition(source, { ...range, ...given }, bound))).toEqual([])
    expect(source.asked).toEqual(['bounds', 'bounds', 'bounds', 'bounds'])
  })

  it('tries again what fails and what is not there yet, and counts the time anew after each answer', async () => {
    let triedCount = 0
    const fetch = (offset: number) => {
      if (++triedCount % 4 === 1) throw new Error('the leader has moved')
      if (triedCount % 4 === 2) throw new ServiceError('unavailable', 'not now')
      if (triedCount % 4 === 3) return { records: [], nextOffset: offset }
      return page(offset)
    }
    const source = fakeSource({ endOffset: 6, fetch })
    const reading = offsetsOf(readPartition(source, range, { timeoutMs: 200 }))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await reading).toEqual([0, 1, 2, 3, 4, 5])
    expect(triedCount).toBe(12)
  })

  it('is unavailable when nothing comes in time, with the last reason, and no sooner', async () => {
    const failure = new Error('no leader')
    const source = fakeSource({
      endOffset: 6,
      fetch: () => {
        throw failure
      },
    })
    const outcome = vi.fn()
    readPartition(source, range, { timeoutMs: 1_000 }).next().catch(outcome)
    await vi.advanceTimersByTimeAsync(999)
    expect(outcome).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    const message = 'nothing of topic/0 came within 1000 ms'
    expect(outcome).toHaveBeenCalledWith(expect.objectContaining({ code: 'unavailable', message, cause: failure }))
  })

  it('is unavailable when less can be read than must be, with the reason', async () => {
    const source = { ...fakeSource({ endOffset: 4 }), storedOffset: async () => 9 }
    expect(await offsetsOf(readPartition(source, { ...range, toOffset: 6 }, { timeoutMs: 1_000 }))).toEqual([
      0, 1, 2, 3,
    ])
    const outcome = vi.fn()
    readPartition(source, { ...range, toOffset: 6, isWhole: true }, { timeoutMs: 1_000 })
      .next()
      .catch(outcome)
    await vi.advanceTimersByTimeAsync(1_000)
    const message =
      'nothing of topic/0 came within 1000 ms: topic/0 can be read up to offset 4 only, not up to 6: a transaction is open there'
    expect(outcome).toHaveBeenCalledWith(expect.objectContaining({ code: 'unavailable', message }))
    const whole = readPartition(source, { ...range, toOffset: 4, isWhole: true }, { timeoutMs: 1_000 })
    expect(await offsetsOf(whole)).toEqual([0, 1, 2, 3])
  })

  it('is unavailable when no answer comes at all', async () => {
    const source = fakeSource({ endOffset: 6, fetch: () => new Promise<never>(() => undefined) })
    const outcome = vi.fn()
    readPartition(source, range, { timeoutMs: 1_000 }).next().catch(outcome)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(outcome).toHaveBeenCalledWith(expect.objectContaining({ code: 'unavailable' }))
  })

  it('ends at once as if there were no more when the signal fires, whatever it waits for', async () => {
    for (const fetch of [
      () => new Promise<never>(() => undefined),
      () => Promise.reject(new Error('away')),
      (offset: number) => ({ records: [], nextOffset: offset }),
    ]) {
      const ending = new AbortController()
      const next = readPartition(fakeSource({ endOffset: 6, fetch }), range, { ...bound, signal: ending.signal }).next()
      await vi.advanceTimersByTimeAsync(50)
      ending.abort()
      expect(await next).toEqual({ done: true, value: undefined })
      await vi.advanceTimersByTimeAsync(0)
    }
  })

  it.each(['not_found', 'permission_denied', 'internal'] as const)('tells at once of what is %s', async (code) => {
    const source = fakeSource({
      endOffset: 6,
      fetch: () => {
        throw new ServiceError(code, 'no')
      },
    })
    await expect(offsetsOf(readPartition(source, range, bound))).rejects.toMatchObject({ code, message: 'no' })
    expect(source.asked).toEqual(['bounds', 0])
  })

  it('looks for what is not there as long as its broker may not have heard of it', async () => {
    const created = { is: false }
    const bounds = () => {
      if (!created.is) throw new ServiceError('not_found', 'no')
      return { earliestOffset: 0, endOffset: 2 }
    }
    const source = { ...fakeSource({ endOffset: 2 }), missingPatienceMs: 1_000, bounds: async () => bounds() }
    const found = offsetsOf(readPartition(source, range, bound))
    await vi.advanceTimersByTimeAsync(500)
    created.is = true
    await vi.advanceTimersByTimeAsync(500)
    expect(await found).toEqual([0, 1])
    created.is = false
    const missing = expect(offsetsOf(readPartition(source, range, bound))).rejects.toMatchObject({ code: 'not_found' })
    await vi.advanceTimersByTimeAsync(2_000)
    await missing
  })
})

const bound: ReadBound = { timeoutMs: 20_000 }

interface FakeOptions {
  readonly earliestOffset?: number
  readonly endOffset: number
  fetch?(fromOffset: number): FetchedPage | Promise<FetchedPage> | undefined
}

/** A partition that gives two records at a time, and what was asked of it. */
function fakeSource({ earliestOffset = 0, endOffset, fetch = page }: FakeOptions) {
  const asked: (number | 'bounds')[] = []
  const source: PartitionSource = {
    bounds: async () => {
      asked.push('bounds')
      return { earliestOffset, endOffset }
    },
    fetch: async (fromOffset) => {
      asked.push(fromOffset)
      const found = await fetch(fromOffset)
      if (found === undefined) throw new Error(`nothing is expected to be fetched at ${fromOffset}`)
      return found
    },
  }
  return { ...source, asked }
}

function page(fromOffset: number): FetchedPage {
  return { records: [recordAt(fromOffset), recordAt(fromOffset + 1)], nextOffset: fromOffset + 2 }
}

function recordAt(offset: number): ReceivedRecord {
  return { topic: 'topic', partition: 0, offset, timestampAt: 0, key: null, value: null, headers: [] }
}

async function offsetsOf(reading: AsyncIterable<readonly ReceivedRecord[]>): Promise<readonly number[]> {
  const offsets: number[] = []
  for await (const records of reading) offsets.push(...records.map(({ offset }) => offset))
  return offsets
}
