import { expect, it, onTestFinished, vi } from 'vitest'
import type { ReceivedRecord } from '../../queue-driver.ts'
import type { PartitionSource } from '../partition-reading.ts'
import { KeptSources } from './kept-sources.ts'

const bound = { timeoutMs: 600_000 }
const range = { topic: 'orders', partition: 0, fromOffset: 0 }

/** Sources of one record each, that say how often they were opened and closed. */
function open({ fetch }: Partial<PartitionSource> = {}) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const opened: string[] = []
  const closed: string[] = []
  const sources = new KeptSources(({ topic, partition }) => {
    const name = `${topic}/${partition} ${opened.length}`
    opened.push(name)
    const record = { topic, partition, offset: 0 } as ReceivedRecord
    const source: PartitionSource = {
      bounds: async () => ({ earliestOffset: 0, endOffset: 1 }),
      fetch: fetch ?? (async () => ({ records: [record], nextOffset: 1 })),
    }
    return { source, close: () => void closed.push(name) }
  })
  return { sources, opened, closed }
}

async function readAll(sources: KeptSources, given = range): Promise<number> {
  let count = 0
  for await (const records of sources.read(given, bound)) count += records.length
  return count
}

it('reads again through what it has read through, and closes that when nobody has for five seconds', async () => {
  const { sources, opened, closed } = open()
  for (let count = 0; count < 3; count++) {
    vi.advanceTimersByTime(4_999)
    expect(await readAll(sources)).toBe(1)
  }
  expect([opened, closed]).toEqual([['orders/0 0'], []])
  vi.advanceTimersByTime(5_000)
  expect(closed).toEqual(['orders/0 0'])
  expect(await readAll(sources)).toBe(1)
  expect(opened).toHaveLength(2)
})

it('keeps one for each partition, and gives each of several readings its own', async () => {
  const { sources, opened, closed } = open()
  await Promise.all([readAll(sources), readAll(sources), readAll(sources, { ...range, partition: 1 })])
  expect(opened).toEqual(['orders/0 0', 'orders/0 1', 'orders/1 2'])
  expect(closed).toEqual(['orders/0 1'])
})

it('keeps what a reading used whose loop was left', async () => {
  const { sources, opened, closed } = open()
  for (let count = 0; count < 3; count++) for await (const _ of sources.read(range, bound)) break
  expect([opened, closed]).toEqual([['orders/0 0'], []])
})

it('keeps no more than those of the thirty-two partitions that were read last', async () => {
  const { sources, opened, closed } = open()
  for (let partition = 0; partition < 34; partition++) await readAll(sources, { ...range, partition })
  expect(closed).toEqual(['orders/0 0', 'orders/1 1'])
  await readAll(sources, { ...range, partition: 2 })
  expect(opened).toHaveLength(34)
  await readAll(sources, { ...range, partition: 0 })
  expect(closed).toEqual(['orders/0 0', 'orders/1 1', 'orders/3 3'])
  expect(vi.getTimerCount()).toBe(32)
})

it.for([
  ['that failed', async () => Promise.reject(new RangeError('broken')), false],
  ['that was cut', async () => new Promise<never>(() => undefined), true],
] as const)('closes at once what a reading %s used', async ([, fetch, isCut]) => {
  const { sources, closed } = open({ fetch })
  const cut = new AbortController()
  const reading = sources.read(range, { timeoutMs: 100, signal: cut.signal })
  const step = reading.next().catch(() => undefined)
  if (isCut) cut.abort()
  await vi.advanceTimersByTimeAsync(1_000)
  await step
  await reading.return()
  expect(closed).toEqual(['orders/0 0'])
})

it('keeps nothing once it is closed', async () => {
  const { sources, closed } = open()
  await readAll(sources)
  const late = sources.read(range, bound)
  await late.next()
  sources.close()
  expect(closed).toEqual([])
  for await (const _ of late) expect.unreachable('all was read')
  expect(closed).toEqual(['orders/0 0'])
  expect(await readAll(sources)).toBe(1)
  expect(closed).toEqual(['orders/0 0', 'orders/0 1'])
})
