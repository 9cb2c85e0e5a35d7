import type { Cluster } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { KafkajsSource } from './kafkajs-source.ts'

const place = { topic: 'topic', partition: 1, fromOffset: 0 }

describe('KafkajsSource', () => {
  it('hands out nothing before the offset that was asked for, and goes on behind the whole batch', async () => {
    // Of a batch from 10 to 15 the last records were compacted away.
    const { source } = open({ answers: [[batch({ firstOffset: 10, lastOffsetDelta: 5, at: [10, 12, 13] })]] })
    expect(await source.fetch(12)).toMatchObject({ records: [{ offset: 12 }, { offset: 13 }], nextOffset: 16 })
  })

  it('leaves out aborted transactions and marks, and not what has the key of a mark', async () => {
    const aborted = [
      { producerId: '8', firstOffset: '4' },
      { producerId: '7', firstOffset: '0' },
    ]
    const key = Buffer.from([0, 0, 0, 0])
    const batches = [
      batch({ firstOffset: 0, at: [0], producerId: '7', inTransaction: true, key }),
      batch({ firstOffset: 1, at: [1], producerId: '9', inTransaction: true }),
      batch({ firstOffset: 2, at: [2], producerId: '7', inTransaction: true }),
      batch({ firstOffset: 3, at: [3], producerId: '7', inTransaction: true, isControlBatch: true, key }),
      batch({ firstOffset: 4, at: [4], producerId: '8', inTransaction: true }),
      batch({ firstOffset: 5, at: [5], producerId: '7', inTransaction: true, key }),
      batch({ firstOffset: 6, at: [6], producerId: '8', inTransaction: false, key }),
      batch({ firstOffset: 7, at: [7], producerId: '9', inTransaction: true, isControlBatch: true }),
    ]
    const { source } = open({ answers: [batches], aborted })
    const { records, nextOffset } = await source.fetch(0)
    expect(records.map(({ offset }) => offset)).toEqual([1, 5, 6])
    expect(nextOffset).toBe(8)
  })

  it('goes on by one where kafkajs leaves out a batch without records, and stays where nothing is yet', async () => {
    const { source } = open({ answers: [[], []], highWatermark: 5 })
    expect(await source.fetch(4)).toEqual({ records: [], nextOffset: 5 })
    expect(await source.fetch(5)).toEqual({ records: [], nextOffset: 5 })
  })

  it('goes on at the oldest record when those before are gone, and stays where an offset is ahead of the broker', async () => {
    const gone = () => failure('OFFSET_OUT_OF_RANGE')
    const { source } = open({ answers: [gone(), gone()], earliestOffset: 9 })
    expect(await source.fetch(3)).toEqual({ records: [], nextOffset: 9, isOutOfRange: true })
    expect(await source.fetch(12)).toEqual({ records: [], nextOffset: 12, isOutOfRange: true })
  })

  it('asks anew who leads the partition after a failure, and only then', async () => {
    const { source, asked } = open({ answers: [[], failure('NOT_LEADER_FOR_PARTITION'), [], []] })
    await source.fetch(0)
    await expect(source.fetch(0)).rejects.toMatchObject({ type: 'NOT_LEADER_FOR_PARTITION' })
    await source.fetch(0)
    await source.fetch(0)
    expect(asked).toEqual(['connect', 'fetch', 'fetch', 'refresh', 'fetch', 'fetch'])
  })

  it('connects again when it could not connect', async () => {
    const { source, asked } = open({ answers: [[]], connectFailures: [new Error('refused')] })
    await expect(source.bounds()).rejects.toThrow('refused')
    expect(await source.bounds()).toEqual({ earliestOffset: 0, endOffset: 20 })
    expect(asked).toEqual(['connect', 'connect', 'refresh'])
  })

  it('says what is not there and what may not be read', async () => {
    const { source } = open({ answers: [failure('TOPIC_AUTHORIZATION_FAILED'), failure('UNKNOWN_TOPIC_OR_PARTITION')] })
    await expect(source.fetch(0)).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(source.fetch(0)).rejects.toMatchObject({ code: 'not_found' })
    const nowhere = open({ partitions: [0], answers: [[]] }).source
    await expect(nowhere.fetch(0)).rejects.toMatchObject({ code: 'not_found' })
    await expect(nowhere.bounds()).rejects.toMatchObject({ code: 'not_found' })
  })
})

interface FakeOptions {
  readonly answers: readonly (readonly ReturnType<typeof batch>[] | Error)[]
  readonly aborted?: readonly { readonly producerId: string; readonly firstOffset: string }[]
  readonly highWatermark?: number
  readonly earliestOffset?: number
  readonly partitions?: readonly number[]
  readonly connectFailures?: Error[]
}

/** A source over a cluster that answers so, and what was asked of it. */
function open({ answers, aborted = [], highWatermark = 0, earliestOffset = 0, ...rest }: FakeOptions) {
  const { partitions = [0, 1, 2], connectFailures = [] } = rest
  const asked: string[] = []
  const left = [...answers]
  const broker = {
    fetch: async () => {
      asked.push('fetch')
      const answer = left.shift()
      if (answer instanceof Error) throw answer
      const fetched = {
        highWatermark: String(highWatermark),
        abortedTransactions: aborted,
        messages: (answer ?? []).flat(),
      }
      return { responses: [{ partitions: [fetched] }] }
    },
  }
  const cluster = {
    addTargetTopic: async () => undefined,
    refreshMetadata: async () => void asked.push('refresh'),
    findLeaderForPartitions: (_topic: string, wanted: readonly number[]) =>
      Object.fromEntries(wanted.filter((one) => partitions.includes(one)).map((one) => ['3', [one]])),
    findBroker: async () => broker,
    fetchTopicsOffset: async ([wanted]: readonly { partitions: { partition: number }[]; fromBeginning: boolean }[]) => {
      const known = (wanted?.partitions ?? []).filter(({ partition }) => partitions.includes(partition))
      const offset = String(wanted?.fromBeginning ? earliestOffset : 20)
      return [{ topic: 'topic', partitions: known.map(({ partition }) => ({ partition, offset })) }]
    },
  }
  const connect = async () => {
    asked.push('connect')
    const failed = connectFailures.shift()
    if (failed) throw failed
    // Of the cluster only these are used.
    return cluster as unknown as Cluster
  }
  return { source: new KafkajsSource(connect, place), asked }
}

interface BatchOptions {
  readonly firstOffset: number
  readonly lastOffsetDelta?: number
  readonly at: readonly number[]
  readonly producerId?: string
  readonly inTransaction?: boolean
  readonly isControlBatch?: boolean
  readonly key?: Buffer
}

/** The messages of a batch as kafkajs reads them. */
function batch({ firstOffset, lastOffsetDelta = 0, at, key = Buffer.from('k'), ...facts }: BatchOptions) {
  const { producerId = '-1', inTransaction = false, isControlBatch = false } = facts
  const batchContext = {
    firstOffset: String(firstOffset),
    lastOffsetDelta,
    producerId,
    inTransaction,
    isControlBatch,
  }
  return at.map((offset) => ({
    offset: String(offset),
    key,
    value: null,
    timestamp: '0',
    attributes: 0,
    headers: {},
    batchContext,
  }))
}

function failure(type: string): Error {
  return Object.assign(new Error(type), { type })
}
