import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { defineConsumer, defineService } from '@tenon/core'
import { event } from '@tenon/core/contract'
import kafkajs from 'kafkajs'
import Type from 'typebox'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { QueueDriver } from '../../queue-driver.ts'
import { connected, newQueuePath } from '../../queue-driver.test-harness.ts'
import { queueTransport } from '../../queue-transport.ts'
import { logInto } from '../../queue-transport.test-harness.ts'
import { choosePlace } from './broadcast.test-harness.ts'

const brokers = process.env['KAFKA_BROKERS'] ?? ''
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const reason = brokers !== '' || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'
const clients = ['kafkajs', 'platformatic'] as const
const bound = { timeoutMs: 20_000 }

describe('a broadcast in two processes', () => {
  it('reaches both, over a file', () => reachesBoth('sqlite', newQueuePath()))

  it.skipIf(reason !== '').each(clients)(`reaches both, over Kafka through %s${reason}`, (client) =>
    reachesBoth(client, brokers),
  )
})

describe.skipIf(reason !== '').each(clients)(`a broadcast over Kafka through %s${reason}`, (client) => {
  it('leaves no group at the broker, and tells how many messages were gone before it read them', async () => {
    const { driver, topic, admin } = await prepareKafka(client)
    const groups = async () => (await admin.listGroups()).groups.map(({ groupId }) => groupId)
    await send(driver, topic, ['0'])
    const held = Promise.withResolvers<void>()
    const first = Promise.withResolvers<void>()
    const { seen, told, until } = await startHere(client, topic, async () => {
      first.resolve()
      await held.promise
    })
    const ids = Array.from({ length: 40 }, (_, index) => `${index} ${'x'.repeat(100_000)}`)
    for (const id of ids) await send(driver, topic, [id])
    await first.promise
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '39' }] })
    held.resolve()
    await send(driver, topic, ['last'])
    await until(() => seen.includes('last'))
    const [missed] = told.flatMap((line) => (Array.isArray(line) && line[0] === 'warn' ? [line[1]] : []))
    // What was fetched before is handled; those between were never seen.
    expect(missed).toMatchObject({ topic, partition: 0, missedCount: ids.length + 2 - seen.length })
    expect((await groups()).filter((group) => group === 'cache' || group.includes(topic))).toEqual([])
  }, 60_000)

  it('reads a topic that was deleted and created anew from its beginning', async () => {
    const { driver, topic, admin } = await prepareKafka(client)
    const { seen, until } = await startHere(client, topic, async () => undefined)
    await send(driver, topic, ['0', '1', '2'])
    await until(() => seen.length === 3)
    await admin.deleteTopics({ topics: [topic] })
    await created(driver, topic)
    await send(driver, topic, ['new'])
    await until(() => seen.includes('new'))
    expect(seen).toEqual(['0', '1', '2', 'new'])
  }, 60_000)
})

async function reachesBoth(name: string, place: string): Promise<void> {
  const driver = await connected(choosePlace(name, place))
  const topic = newTopic()
  await driver.ensureTopics([{ topic, partitionCount: 3 }])
  await send(driver, topic, ['before'])
  const processes = [startProcess(name, place, topic), startProcess(name, place, topic)]
  for (const one of processes) await one.until(() => one.heard.includes('ready'))
  const ids = Array.from({ length: 50 }, (_, index) => String(index))
  for (const id of ids) await send(driver, topic, [id])
  for (const one of processes) {
    await one.until(() => one.heard.length > ids.length)
    expect(one.heard.toSorted()).toEqual([...ids, 'ready'].toSorted())
  }
}

function startProcess(name: string, place: string, topic: string) {
  const path = fileURLToPath(new URL('broadcast.test-process.ts', import.meta.url))
  const execArgv = ['--conditions=@tenon/source', '--import', 'tsx']
  const child: ChildProcess = fork(path, [name, place, topic], { execArgv })
  onTestFinished(() => void child.kill('SIGKILL'))
  const heard: string[] = []
  const changed = waiting()
  child.on('message', (text: string) => {
    heard.push(text)
    changed.tell()
  })
  return { heard, until: changed.until }
}

/** A service in this process. */
async function startHere(client: string, topic: string, handle: (id: string) => Promise<void>) {
  const seen: string[] = []
  const told: unknown[] = []
  const changed = waiting()
  const consumed = event(topic, { key: 'id', payload: Type.Object({ id: Type.String() }) })
  const transport = queueTransport({ driver: choosePlace(client, brokers), concurrency: 1, maxUncommittedCount: 1 })
  const bind = transport.bind.bind(transport)
  Object.assign(transport, { bind: (host: Parameters<typeof bind>[0]) => bind({ ...host, log: logInto(told) }) })
  const work = async ({ id }: { readonly id: string }) => {
    await handle(id)
    seen.push(id)
    changed.tell()
  }
  const service = defineService({
    name: 'cache',
    version: '1.0.0',
    admin: false,
    handlers: [defineConsumer(consumed, () => work, { broadcast: true, start: 'earliest' })],
    transports: () => [transport],
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  onTestFinished(async () => void (await started.stop()))
  return { seen, told, until: changed.until }
}

async function prepareKafka(client: string) {
  const driver = await connected(choosePlace(client, brokers))
  const topic = newTopic()
  await driver.ensureTopics([{ topic, partitionCount: 1 }])
  const options = { brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING }
  const admin = new kafkajs.Kafka(options).admin()
  await admin.connect()
  onTestFinished(() => admin.disconnect())
  return { driver, topic, admin }
}

/** A topic of the name of one that is being deleted cannot be created before that has come to its end. */
async function created(driver: QueueDriver, topic: string): Promise<void> {
  for (;;) {
    await driver.ensureTopics([{ topic, partitionCount: 1 }]).catch(() => undefined)
    const offsets = await driver.offsetsAt(topic, 'latest').catch(() => undefined)
    if (offsets?.[0] === 0) return
    await delay(50)
  }
}

/** Resolves when something holds, looked at whenever there is something new. */
function waiting() {
  const waiters = new Set<() => void>()
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!holds()) return
        waiters.delete(look)
        resolve()
      }
      waiters.add(look)
      look()
    })
  return { until, tell: () => waiters.forEach((look) => look()) }
}

function newTopic(): string {
  return `tenon-${randomBytes(6).toString('hex')}.seen.v1`
}

function send(driver: QueueDriver, topic: string, ids: readonly string[]): Promise<void> {
  const toRecord = (id: string) => ({
    topic,
    key: Buffer.from(id),
    value: Buffer.from(JSON.stringify({ id })),
    headers: [],
  })
  return driver.produce(ids.map(toRecord), bound)
}
