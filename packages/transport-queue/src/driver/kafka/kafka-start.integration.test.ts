import type { ConsumerStart } from '@tenon/core/transport'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AssignedPartition, QueueDriver } from '../../queue-driver.ts'
import { logInto } from '../../queue-transport.test-harness.ts'
import { aborted, type Client, clients, connect, createTopic, never } from './kafka-client.test-harness.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const skipped = brokers.length > 0 || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'
/** How long members wait for the owner of partition 0. */
const sessionTimeoutMs = 1_000

describe.skipIf(skipped !== '')(
  `a group whose partition 0 belongs to one that never says where it begins${skipped}`,
  () => {
    it.each(clients)(
      'begins where another member says it, in all partitions, and misses nothing from then on: %s',
      async (client) => {
        const driver = await connect(client, { brokers })
        const topic = await createTopic(driver, 2)
        await fill(driver, topic, 'old')
        // Members come in the order of their names where partitions are shared out by turns.
        const old = await member(client, { topic, clientId: 'a', starts: new Map() })
        await old.owns([0, 1])
        const young = await member(client, { topic, clientId: 'b' })
        await Promise.all([old.owns([0]), young.owns([1])])
        expect(await young.startOffsets()).toEqual([1])
        const committed = async () => (await driver.describe(topic, group(topic))).map((one) => one.committedOffset)
        expect(await committed()).toEqual([1, 1])
        const warning = [
          'warn',
          { group: group(topic), topic, partition: 0 },
          expect.stringContaining('another member has'),
        ]
        expect(young.warned()).toMatchObject([warning])
        await fill(driver, topic, 'new')
        await young.leave()
        await old.leave()
        const next = await member(client, { topic, clientId: 'c' })
        expect(await next.values(2)).toEqual(['new 0', 'new 1'])
        await next.leave()
      },
    )
  },
)

interface MemberOptions {
  readonly topic: string
  readonly clientId: string
  readonly starts?: ReadonlyMap<string, ConsumerStart>
}

/** A member that reads, and commits nothing; by itself from the end. */
async function member(client: Client, { topic, clientId, starts = new Map([[topic, 'latest']]) }: MemberOptions) {
  const driver = await connect(client, { brokers, clientId, sessionTimeoutMs, heartbeatIntervalMs: 300 })
  const owned = new Set<AssignedPartition>()
  const read: string[] = []
  const told: unknown[] = []
  const looks = new Set<() => void>()
  const changed = () => looks.forEach((look) => look())
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (holds() && looks.delete(look)) resolve()
      }
      looks.add(look)
      look()
    })
  const consume = async (partition: AssignedPartition) => {
    owned.add(partition)
    changed()
    while (!partition.revoked.aborted) {
      for (const { value } of await partition.fetch()) read.push(String(value))
      changed()
    }
    await aborted(partition.revoked)
    owned.delete(partition)
    changed()
  }
  const fail = () => undefined
  const joined = await driver.join(
    { group: group(topic), topics: [topic], starts, log: logInto(told), consume, fail },
    never,
  )
  const leave = () => joined.leave(AbortSignal.abort())
  onTestFinished(leave)
  const numbers = () => [...owned].map(({ partition }) => partition).toSorted((one, other) => one - other)
  return {
    owns: (wanted: readonly number[]) => until(() => String(numbers()) === String(wanted)),
    startOffsets: () => Promise.all([...owned].map((partition) => partition.startOffset())),
    values: async (count: number) => {
      await until(() => read.length >= count)
      return read.toSorted()
    },
    warned: () => told.filter((line) => Array.isArray(line) && line[0] === 'warn'),
    leave,
  }
}

/** One record in each partition. */
async function fill(driver: QueueDriver, topic: string, name: string): Promise<void> {
  const toRecord = (partition: number) => ({
    topic,
    partition,
    key: null,
    value: Buffer.from(`${name} ${partition}`),
    headers: [],
  })
  await driver.produce([0, 1].map(toRecord), { timeoutMs: 20_000 })
}

function group(topic: string): string {
  return `${topic}.group`
}
