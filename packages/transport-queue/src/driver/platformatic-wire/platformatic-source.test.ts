import { describe, expect, it } from 'vitest'
import type { PlatformaticClient } from './platformatic-client.ts'
import { PlatformaticSource } from './platformatic-source.ts'

const place = { topic: 'topic', partition: 1, fromOffset: 0 }

describe('PlatformaticSource', () => {
  it('asks anew who leads the partition after a failure, and only then', async () => {
    const { source, asked } = open({
      answers: [fetched(0), failure(6, 'NOT_LEADER_OR_FOLLOWER'), fetched(0), fetched(0)],
    })
    await source.fetch(0)
    await expect(source.fetch(0)).rejects.toThrow('NOT_LEADER_OR_FOLLOWER')
    await source.fetch(0)
    await source.fetch(0)
    expect(asked).toEqual(['metadata', 'Fetch at 1', 'Fetch at 1', 'metadata', 'Fetch at 2', 'Fetch at 2'])
  })

  it('goes on at the oldest record when those before are gone, and stays where an offset is ahead of the broker', async () => {
    const { source } = open({ answers: [failure(1, 'OFFSET_OUT_OF_RANGE'), failure(1, 'OFFSET_OUT_OF_RANGE')] })
    expect(await source.fetch(3)).toEqual({ records: [], nextOffset: 9, isOutOfRange: true })
    expect(await source.fetch(12)).toEqual({ records: [], nextOffset: 12, isOutOfRange: true })
  })

  it('stays where it is when there is nothing yet', async () => {
    const { source } = open({ answers: [fetched(0), { responses: [] }] })
    expect(await source.fetch(4)).toEqual({ records: [], nextOffset: 4 })
    expect(await source.fetch(4)).toEqual({ records: [], nextOffset: 4 })
  })

  it('tells where the partition begins and ends for readers', async () => {
    const { source } = open({ answers: [] })
    expect(await source.bounds()).toEqual({ earliestOffset: 9, endOffset: 20 })
  })

  it('says what is not there and what may not be read', async () => {
    const refused = [failure(29, 'TOPIC_AUTHORIZATION_FAILED'), failure(3, 'UNKNOWN_TOPIC_OR_PARTITION')]
    const { source } = open({ answers: refused })
    await expect(source.fetch(0)).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(source.fetch(0)).rejects.toMatchObject({ code: 'not_found' })
    const nowhere = open({ answers: [], partitionCount: 1 }).source
    await expect(nowhere.bounds()).rejects.toMatchObject({ code: 'not_found' })
  })

  it('waits for a leader where there is none', async () => {
    const { source } = open({ answers: [], leaders: [-1, 2] })
    await expect(source.bounds()).rejects.toThrow('nobody leads partition 1 of topic topic')
    expect(await source.bounds()).toEqual({ earliestOffset: 9, endOffset: 20 })
  })
})

interface FakeOptions {
  readonly answers: readonly object[]
  readonly partitionCount?: number
  /** One after the other, whenever it is asked. */
  readonly leaders?: readonly number[]
}

/** A source over a cluster whose brokers 1 and 2 answer so, and what was asked of them. */
function open({ answers, partitionCount = 2, leaders = [1, 2] }: FakeOptions) {
  const asked: string[] = []
  const [left, leading] = [[...answers], [...leaders]]
  const client = {
    openPool: () => ({}),
    versionOf: async () => 17,
    metadata: async () => {
      asked.push('metadata')
      const leader = leading.shift()
      const partitions = Array.from({ length: partitionCount }, () => ({ leader }))
      return {
        topics: new Map([['topic', { id: 'id', partitions }]]),
        brokers: new Map([1, 2].map((node) => [node, { host: String(node), port: 1 }])),
      }
    },
    request: async (name: string, { broker }: { broker: { host: string } }, values: readonly unknown[]) => {
      if (name === 'ListOffsets') return listed(JSON.stringify(values, (_, value) => asText(value)))
      asked.push(`${name} at ${broker.host}`)
      const answer = left.shift()
      if (answer instanceof Error) throw answer
      return answer
    },
  }
  // Of the client only these are used.
  return { source: new PlatformaticSource(client as unknown as PlatformaticClient, place), asked }
}

/** A bigint as text. */
function asText(value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

function listed(request: string) {
  const offset = request.includes('"-2"') ? 9n : 20n
  return { topics: [{ name: 'topic', partitions: [{ partitionIndex: 1, offset }] }] }
}

/** An answer without records. */
function fetched(errorCode: number) {
  return { responses: [{ topicId: 'id', partitions: [{ partitionIndex: 1, errorCode, records: [] }] }] }
}

/** As the library nests what a broker refuses. */
function failure(errorCode: number, apiId: string): Error {
  const refusal = Object.assign(new Error(apiId), { apiId })
  return Object.assign(new AggregateError([refusal], apiId), { response: fetched(errorCode) })
}
