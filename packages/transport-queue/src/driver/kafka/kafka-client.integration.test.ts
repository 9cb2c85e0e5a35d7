import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import type { AssignedPartition, MemberState, QueueMember } from '../../queue-driver.ts'
import {
  aborted,
  clients,
  connect as connectTo,
  createTopic,
  handling,
  join,
  makeDriver,
  never,
  send,
} from './kafka-client.test-harness.ts'
import type { KafkaOptions } from './kafka-options.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const skipped = brokers.length > 0 || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'

describe.skipIf(skipped !== '').for(clients)(`Kafka through %s${skipped}`, (client) => {
  const connect = (options: Partial<KafkaOptions> = {}) => connectTo(client, { brokers, ...options })

  it('hands over nothing twice, and loses nothing, when a member comes while messages are slow', async () => {
    const driver = await connect()
    const topic = await createTopic(driver, 4)
    const values = Array.from({ length: 400 }, (_, index) => String(index))
    await send(driver, topic, values)
    const handled: string[] = []
    const begun = Promise.withResolvers<void>()
    const all = Promise.withResolvers<void>()
    const consume = handling(async (value) => {
      await delay(5)
      handled.push(value)
      if (handled.length === 40) begun.resolve()
      if (new Set(handled).size === 400) all.resolve()
    })
    const first = await join(driver, { topic, consume })
    await begun.promise
    const second = await join(await connect(), { topic, consume })
    await all.promise
    for (const member of [first, second]) await member.leave(never)
    expect(handled.toSorted()).toEqual(values.toSorted())
  })

  it('loses a partition that is not given up in time, and refuses its commit', async () => {
    const driver = await connect()
    const topic = await createTopic(driver)
    await send(driver, topic, ['1'])
    const running = Promise.withResolvers<void>()
    const refused = Promise.withResolvers<boolean>()
    const first = await join(driver, {
      topic,
      consume: async (partition) => {
        const [record] = await partition.fetch()
        if (record === undefined) return
        running.resolve()
        await aborted(partition.lost)
        refused.resolve(await partition.commit(record.offset + 1))
      },
    })
    await running.promise
    const cut = AbortSignal.timeout(500)
    await first.leave(cut)
    expect(await refused.promise).toBe(false)
  })

  it('delivers far more than it holds at a time, to a slow reader as well', async () => {
    const driver = await connect()
    const topic = await createTopic(driver)
    for (let part = 0; part < 6; part++)
      await send(
        driver,
        topic,
        Array.from({ length: 1_000 }, (_, index) => String(part * 1_000 + index)),
      )
    const offsets: number[] = []
    const done = Promise.withResolvers<void>()
    const member = await join(driver, {
      topic,
      consume: async (partition) => {
        while (!partition.revoked.aborted) {
          offsets.push(...(await partition.fetch()).map(({ offset }) => offset))
          if (offsets.length < 3_000) await delay(700)
          if (offsets.length === 6_000) done.resolve()
        }
      },
    })
    await done.promise
    expect(offsets).toEqual(Array.from({ length: 6_000 }, (_, index) => index))
    await member.leave(never)
  })

  it('fails a record that is too large as our own fault, and the others of its request not at all', async () => {
    const driver = await connect()
    const topic = await createTopic(driver)
    const results = await Promise.allSettled([10, 3_000_000, 10].map((size) => send(driver, topic, ['x'.repeat(size)])))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(results[1]).toMatchObject({ reason: { code: 'internal', reason: 'record_too_large' } })
  })

  it('says of a message that its topic does not exist, and sends the next', async () => {
    const driver = await connect()
    const topic = await createTopic(driver)
    const records = [{ topic: `${topic}.missing`, key: null, value: null, headers: [] }]
    await expect(driver.produce(records, { timeoutMs: 20_000 })).rejects.toMatchObject({ code: 'not_found' })
    await send(driver, topic, ['next'])
  })

  it('leaves an idle group without waiting for a broker that has nothing to tell', async () => {
    const driver = await connect()
    const topic = await createTopic(driver)
    const member = await join(driver, { topic })
    await delay(1_000)
    const left = await Promise.race([member.leave(never).then(() => 'left'), delay(4_000).then(() => 'still there')])
    expect(left).toBe('left')
  })

  it('reports no error while members come and go', async () => {
    const driver = await connect()
    const topic = await createTopic(driver, 2)
    const lines: string[] = []
    const add = (level: string) => (_: object, text?: string) => void lines.push(`${level}: ${text}`)
    const log: Logger = { debug() {}, info() {}, warn: add('warn'), error: add('error'), child: () => log }
    const first = await join(driver, { topic, log })
    const second = await join(await connect(), { topic, log })
    await second.leave(never)
    await first.leave(never)
    expect(lines).toEqual([])
  })

  it('names the brokers when none answers', async () => {
    const driver = makeDriver(client, { brokers: ['127.0.0.1:1'], connectTimeoutMs: 500 })
    await expect(driver.connect({ clientId: 'tenon-test' })).rejects.toThrow('no connection to Kafka at 127.0.0.1:1')
    await driver.close()
  })
})

describe.skipIf(skipped !== '').for(['kafkajs', 'platformatic'] as const)(
  `a classic group of Kafka through %s${skipped}`,
  (client) => {
    const open = () => connectTo(client, { brokers })

    it('has nothing left in it of a member that gives up joining', async () => {
      const driver = await open()
      const topic = await createTopic(driver)
      const release = Promise.withResolvers<void>()
      const consume = ({ revoked }: AssignedPartition) => aborted(revoked).then(() => release.promise)
      const first = await join(driver, { topic, consume })
      const patience = new AbortController()
      const joining = join(await open(), { topic, signal: patience.signal })
      await reached(first, 'joining')
      patience.abort()
      await expect(joining).rejects.toThrow()
      release.resolve()
      await reached(first, 'assigned')
      const third = await join(await open(), { topic })
      expect(third.state).toBe('assigned')
      for (const member of [first, third]) await member.leave(AbortSignal.abort())
    })

    it('is left while it waits for another member, without waiting for that one', async () => {
      const driver = await open()
      const topic = await createTopic(driver)
      const release = Promise.withResolvers<void>()
      const consume = ({ revoked }: AssignedPartition) => aborted(revoked).then(() => release.promise)
      const holding = await join(driver, { topic, consume })
      const joining = join(await open(), { topic })
      await reached(holding, 'joining')
      release.resolve()
      const leaving = await joining
      const next = join(await open(), { topic })
      await leaving.leave(never)
      expect(leaving.state).toBe('left')
      expect((await next).state).toBe('assigned')
      for (const member of [holding, await next]) await member.leave(AbortSignal.abort())
    })
  },
)

describe.skipIf(skipped !== '')(`Kafka through both libraries${skipped}`, () => {
  it('puts a key into the same partition, and lets members of both share a group', async () => {
    const kafkajs = await connectTo('kafkajs', { brokers })
    const platformatic = await connectTo('platformatic', { brokers })
    const topic = await createTopic(kafkajs, 7)
    const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`)
    await send(kafkajs, topic, keys)
    await send(platformatic, topic, keys)
    const places = new Map<string, Set<number>>()
    const readers = new Set<string>()
    const all = Promise.withResolvers<void>()
    let count = 0
    const read = (reader: string) =>
      handling((value, { partition }) => {
        places.set(value, (places.get(value) ?? new Set()).add(partition))
        readers.add(reader)
        if (++count === 100) all.resolve()
      })
    const owned = Promise.withResolvers<void>()
    const begun = async (reader: string, partition: Parameters<ReturnType<typeof read>>[0]) => {
      await owned.promise
      await read(reader)(partition)
    }
    const one = await join(kafkajs, {
      topic,
      consume: (partition) => untilRevoked(partition, begun('kafkajs', partition)),
    })
    const joining = join(platformatic, {
      topic,
      consume: (partition) => untilRevoked(partition, begun('platformatic', partition)),
    })
    const other = await joining
    owned.resolve()
    await all.promise
    expect([...places.values()].map(({ size }) => size)).toEqual(keys.map(() => 1))
    expect([...readers].toSorted()).toEqual(['kafkajs', 'platformatic'])
    for (const member of [one, other]) await member.leave(never)
  })

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'reads what was compressed with %s',
    async (compression) => {
      const { platformaticDriver } = await import('../platformatic/platformatic-driver.ts')
      const { kafkajsDriver } = await import('../kafkajs/kafkajs-driver.ts')
      const writers = [platformaticDriver({ brokers, compression })]
      if (compression === 'none' || compression === 'gzip') writers.push(kafkajsDriver({ brokers, compression }))
      for (const writer of writers) {
        await writer.connect({ clientId: 'tenon-test' })
        const topic = await createTopic(writer)
        await send(writer, topic, ['1'.repeat(2_000), '2'])
        await writer.close()
        const reader = await connectTo('platformatic', { brokers })
        const values: string[] = []
        const both = Promise.withResolvers<void>()
        const consume = handling((value) => {
          values.push(value)
          if (values.length === 2) both.resolve()
        })
        const member = await join(reader, { topic, consume })
        await both.promise
        expect(values).toEqual(['1'.repeat(2_000), '2'])
        await member.leave(never)
      }
    },
  )
})

async function reached(member: QueueMember, state: MemberState): Promise<void> {
  while (member.state !== state) await delay(10)
}

async function untilRevoked({ revoked }: { readonly revoked: AbortSignal }, work: Promise<void>): Promise<void> {
  await Promise.race([work, aborted(revoked)])
}
