import { ServiceError } from '@tenon/core/transport'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { RecordToSend } from '../queue-driver.ts'
import { ProduceQueue } from './produce-queue.ts'

afterEach(() => void vi.useRealTimers().restoreAllMocks())

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

  it('lets a record that is never taken fail alone, and stores what is beside it once and in order', async () => {
    const broker = new PartitionBroker(1)
    const values = ['1', '2', 'bad', '3', '4', '5']
    const results = await Promise.allSettled(values.map((value) => broker.queue.push([record(value)], bound)))
    expect(results.map(({ status }) => status === 'fulfilled')).toEqual([true, true, false, true, true, true])
    expect(results[2]).toMatchObject({ reason: { code: 'internal' } })
    expect(broker.stored).toEqual([['1', '2', '3', '4', '5']])
  })

  it('sends nothing again to partitions that stored it, when another refuses', async () => {
    const broker = new PartitionBroker(4)
    const values = Array.from({ length: 80 }, (_, index) => (index === 40 ? 'bad' : String(index)))
    const keyed = values.map((value, index) => ({ ...record(value), key: Buffer.from(`key-${index % 8}`) }))
    const results = await Promise.allSettled(keyed.map((one) => broker.queue.push([one], bound)))
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    expect(broker.stored.filter((partition) => partition.length > 0).length).toBeGreaterThan(1)
    const stored = broker.stored.flat().map(Number)
    expect(stored.toSorted((one, other) => one - other)).toEqual(values.filter((value) => value !== 'bad').map(Number))
    for (const partition of broker.stored)
      expect(partition.map(Number)).toEqual(partition.map(Number).toSorted((one, other) => one - other))
  })

  it('does not send again what the whole topic is refused for', async () => {
    const broker = new PartitionBroker(1, () => new ServiceError('permission_denied', 'no'))
    const results = await Promise.allSettled(['1', '2', '3'].map((value) => broker.queue.push([record(value)], bound)))
    for (const result of results) expect(result).toMatchObject({ reason: { code: 'permission_denied' } })
    expect(broker.requestCount).toBe(1)
  })

  it('splits what is pushed together by partition, and is done when all of it is stored', async () => {
    const broker = new PartitionBroker(2)
    const records = [0, 1, 0].map((partition, index) => ({ ...record(String(index)), partition }))
    await broker.queue.push(records, bound)
    expect(broker.stored).toEqual([['0', '2'], ['1']])
  })

  it('lets a topic that does not answer hold up no other', async () => {
    const never = new Promise<number>(() => undefined)
    const stored: string[] = []
    const queue = new ProduceQueue(settings, {
      partitionCountOf: (topic) => (topic === 'hung' ? never : Promise.resolve(1)),
      send: async (records, { topic }) => {
        if (topic === 'slow') await never
        stored.push(...records.map(({ value }) => String(value)))
      },
    })
    const others = ['hung', 'slow'].map((topic) => queue.push([{ ...record('x'), topic }], { timeoutMs: 50 }))
    await queue.push([record('1')], bound)
    expect(stored).toEqual(['1'])
    for (const other of others) await expect(other).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('tells all that waits for a topic that is gone, in order, and asks anew for the next', async () => {
    let isGone = true
    const broker = new PartitionBroker(1, () => (isGone ? new ServiceError('not_found', 'gone') : undefined))
    const told: string[] = []
    const first = broker.queue.push([record('1')], bound).catch(() => void told.push('1'))
    await turn()
    const second = broker.queue.push([record('2')], bound).catch(() => void told.push('2'))
    await Promise.all([first, second])
    expect(told).toEqual(['1', '2'])
    isGone = false
    await turn()
    await broker.queue.push([record('3')], bound)
    expect(broker.stored).toEqual([['3']])
    expect(broker.askedCount).toBe(2)
  })

  it('goes by the number of partitions that it knows while another is asked for, and when nobody tells it', async () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(0)
    const stored: number[] = []
    const asked: PromiseWithResolvers<number>[] = []
    const queue = new ProduceQueue(settings, {
      partitionCountOf: () => (asked.push(Promise.withResolvers()), asked.at(-1)?.promise ?? Promise.resolve(0)),
      send: async (_, { partition }) => void stored.push(partition),
    })
    const first = queue.push([record('1')], bound)
    asked[0]?.resolve(1)
    await first
    now.mockReturnValue(300_001)
    await queue.push([record('2')], bound)
    expect(asked).toHaveLength(2)
    asked[1]?.reject(new ServiceError('unavailable', 'away'))
    await turn()
    await queue.push([record('3')], bound)
    expect([asked.length, stored]).toEqual([2, [0, 0, 0]])
    now.mockReturnValue(310_002)
    await queue.push([record('4')], bound)
    asked[2]?.resolve(8)
    await turn()
    await Promise.all(['5', '6', '7'].map((value) => queue.push([record(value)], bound)))
    expect([asked.length, new Set(stored.slice(4)).size]).toEqual([3, 3])
  })

  it('fails those that asked how many partitions there are, and asks again for those that came later', async () => {
    const asked: PromiseWithResolvers<number>[] = []
    const queue = new ProduceQueue(settings, {
      partitionCountOf: () => (asked.push(Promise.withResolvers()), asked.at(-1)?.promise ?? Promise.resolve(0)),
      send: async () => undefined,
    })
    const early = [queue.push([record('1')], bound), queue.push([record('2')], bound)]
    await turn()
    const late = queue.push([record('3')], bound)
    asked[0]?.reject(new ServiceError('unavailable', 'away'))
    for (const one of early) await expect(one).rejects.toMatchObject({ code: 'unavailable' })
    asked[1]?.resolve(1)
    await late
    expect(asked).toHaveLength(2)
  })

  it('lets nothing overtake what is told that its topic is gone, wherever it waits', async () => {
    const [gone, lateGone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const sent: number[] = []
    const queue = new ProduceQueue(
      { ...settings, maxBufferedBytes: 270 },
      {
        partitionCountOf: async () => 2,
        send: (_, { partition }) => (sent.push(partition), partition === 0 ? gone.promise : lateGone.promise),
      },
    )
    const told: string[] = []
    const push = (value: string, partition: number) =>
      queue
        .push([{ ...record(value), partition }], bound)
        .catch((error: ServiceError) => void told.push(`${value} ${error.code}`))
    const pushed = [push('1', 1), push('2', 0)]
    await turn()
    // One behind each, then one that waits for room.
    pushed.push(push('3', 1), push('4', 0), push('5', 1))
    gone.reject(new ServiceError('not_found', 'gone'))
    await turn()
    expect(told).toEqual([])
    lateGone.reject(new ServiceError('not_found', 'gone'))
    await Promise.all(pushed)
    expect(told).toEqual(['1', '2', '3', '4', '5'].map((value) => `${value} not_found`))
    expect(sent).toEqual([1, 0])
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
  const send = (records: readonly RecordToSend[]) => {
    requests.push(records.map(({ value }) => String(value)))
    answering = Promise.withResolvers()
    return answering.promise
  }
  const queue = new ProduceQueue({ ...settings, ...given }, { partitionCountOf: async () => 1, send })
  return { queue, requests, answer: () => answering.resolve(), fail: (error: Error) => answering.reject(error) }
}

/** Stores or refuses a request as a whole; a record that says `bad` is refused. */
class PartitionBroker {
  readonly stored: string[][]
  readonly queue: ProduceQueue
  requestCount = 0
  askedCount = 0

  constructor(partitionCount: number, refuse: () => ServiceError | undefined = () => undefined) {
    this.stored = Array.from({ length: partitionCount }, () => [])
    this.queue = new ProduceQueue(settings, {
      partitionCountOf: async () => {
        this.askedCount += 1
        return partitionCount
      },
      send: async (records, { partition }) => {
        this.requestCount += 1
        await turn()
        const values = records.map(({ value }) => String(value))
        const refusal = values.includes('bad') ? new ServiceError('internal', 'too large') : refuse()
        if (refusal) throw refusal
        this.stored[partition]?.push(...values)
      },
    })
  }
}

function record(value: string): RecordToSend {
  return { topic: 't', key: null, value: Buffer.from(value), headers: [] }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
