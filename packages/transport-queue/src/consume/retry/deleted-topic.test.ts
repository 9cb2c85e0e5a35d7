import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import type { AssignedPartition, QueueDriver } from '../../queue-driver.ts'
import type { Handle } from '../../queue-transport.test-harness.ts'
import { pass, watchedConsumer } from '../watch/standstill.test-harness.ts'

const hourMs = 3_600_000
const retryTopic = 'shop.order.placed.v1.retry.user'
const options = {
  retry: { initialDelayMs: 20, maxDelayMs: hourMs, maxAgeMs: 604_800_000 },
  maxUncommittedCount: 10,
  commitIntervalMs: 10,
}
const others = 'a'.repeat(40)

/** A consumer whose retry topic can be deleted, and is made by nobody but who asks for it. */
async function consumer(change: (partition: AssignedPartition) => Partial<AssignedPartition> = () => ({})) {
  const seen: string[] = []
  const failing = new Set<string>()
  const handle: Handle = async ({ orderId, count }) => {
    if (!failing.has(orderId)) return void seen.push(`${orderId}${count}`)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    throw new ServiceError('unavailable', 'not now', { details: { retryDelayMs: orderId === 'j' ? 20_000 : hourMs } })
  }
  const topics = { made: 0, isThere: true }
  /** Of all topics of the name the one that is there. */
  const actual = (topic: string) => {
    if (topic !== retryTopic) return topic
    if (!topics.isThere) throw new ServiceError('not_found', 'no such topic')
    return `${topic}.${topics.made}`
  }
  const watched = await watchedConsumer(handle, {
    ...options,
    change: (partition) => ({
      commitBeside: async (topic, offset) => partition.commitBeside(actual(topic), offset),
      ...change(partition),
    }),
  })
  const { driver } = watched
  const [produce, describe, read, ensureTopics] = [
    driver.produce.bind(driver),
    driver.describe.bind(driver),
    driver.read.bind(driver),
    driver.ensureTopics.bind(driver),
  ]
  topics.isThere = false
  const deletable: Pick<QueueDriver, 'produce' | 'describe' | 'read' | 'ensureTopics'> = {
    produce: async (records, bound) =>
      produce(
        records.map((record) => ({ ...record, topic: actual(record.topic) })),
        bound,
      ),
    describe: async (topic, group) => describe(actual(topic), group),
    async *read(range, bound) {
      yield* read({ ...range, topic: actual(range.topic) }, bound)
    },
    ensureTopics: async (wanted) => {
      if (wanted.some(({ topic }) => topic === retryTopic) && !topics.isThere)
        Object.assign(topics, { made: topics.made + 1, isThere: true })
      await ensureTopics(wanted.map((one) => ({ ...one, topic: actual(one.topic) })))
    },
  }
  Object.assign(driver, deletable)
  const committed = async () => (await driver.describe(retryTopic, 'user'))[0]?.committedOffset
  return { ...watched, seen, failing, topics, committed, deleteTopic: () => void (topics.isThere = false) }
}

test('one that was deleted while nothing lay in it is made again for the next message', async () => {
  const { send, seen, failing, topics, deleteTopic, report } = await consumer()
  failing.add('h')
  await send(`h${others}`)
  await pass(3_000)
  failing.clear()
  await pass(hourMs + 10_000)
  expect([seen.at(-1), (await report())?.parkedCount, topics.made]).toEqual(['h0', 0, 1])
  deleteTopic()
  failing.add('h')
  await send(`h${others}`)
  await pass(10_000)
  expect([seen.length, (await report())?.parkedCount, topics.made]).toEqual([81, 1, 2])
  failing.clear()
  await pass(hourMs + 10_000)
  expect([seen.at(-1), (await report())?.parkedCount]).toEqual(['h41', 0])
})

test('what was begun of one that was deleted goes on, and what comes to be set aside lies in the next one', async () => {
  const { send, seen, failing, topics, deleteTopic, report, committed, driver, broker } = await consumer()
  failing.add('h').add('i')
  await send(`h${others}hh`)
  await pass(3_000)
  expect((await report())?.parkedCount).toBe(3)
  deleteTopic()
  await send(`i${others}`)
  await pass(10_000)
  expect([seen.length, (await report())?.parkedCount, topics.made]).toEqual([80, 4, 2])
  failing.clear()
  await pass(hourMs + 10_000)
  expect(seen.slice(80)).toEqual(['h0', 'h41', 'h42', 'i43'])
  expect([(await report())?.parkedCount, await committed()]).toEqual([0, 1])
  broker.evict(driver, { noticedAfterMs: 0 })
  await pass(10_000)
  await send('b')
  await pass(1_000)
  expect(seen.slice(84)).toEqual(['b84'])
})

test('what lay in one that was deleted and was not begun is gone, which the log says', async () => {
  const { send, seen, failing, deleteTopic, report, told, topics } = await consumer()
  failing.add('h')
  await send(`h${others}${'h'.repeat(30)}`)
  await pass(10_000)
  expect([seen.length, (await report())?.parkedCount]).toEqual([40, 31])
  deleteTopic()
  failing.clear()
  await pass(hourMs + 10_000)
  await send('h')
  await pass(10_000)
  expect([seen.at(-1), (await report())?.parkedCount, topics.made]).toEqual(['h71', 0, 1])
  expect(told('warn')).toContain(`messages that were set aside in ${retryTopic} were gone before they were handled`)
})

test('an owner that finds what was set aside, and has it deleted before it is read back, goes on', async () => {
  const { send, seen, failing, deleteTopic, report, broker, driver, isLive } = await consumer()
  failing.add('h')
  await send(`h${others}`)
  await pass(3_000)
  const read = driver.read.bind(driver)
  let readCount = 0
  const deleting: QueueDriver['read'] = async function* (range, bound) {
    if (range.topic === retryTopic && ++readCount === 2) deleteTopic()
    yield* read(range, bound)
  }
  Object.assign(driver, { read: deleting })
  broker.evict(driver, { noticedAfterMs: 0 })
  await pass(1_000)
  failing.clear()
  await send('b')
  await pass(10_000)
  expect([seen.slice(40), (await report())?.parkedCount, isLive()]).toEqual([['b41'], 0, true])
  const readBefore = readCount
  await pass(60_000)
  expect(readCount).toBe(readBefore)
})

test('what has its outcome in the next one is not handled again by another owner', async () => {
  const { send, seen, failing, deleteTopic, report, broker, driver } = await consumer()
  failing.add('h').add('i').add('j')
  await send(`h${others}`)
  await pass(3_000)
  deleteTopic()
  await send(`ijjjjjj${others}`)
  await pass(10_000)
  expect([seen.length, (await report())?.parkedCount]).toEqual([80, 8])
  failing.delete('j')
  await pass(30_000)
  expect([seen.slice(80), (await report())?.parkedCount]).toEqual([['j42', 'j43', 'j44', 'j45', 'j46', 'j47'], 2])
  broker.evict(driver, { noticedAfterMs: 0 })
  await pass(40_000)
  expect([seen.slice(86), (await report())?.parkedCount]).toEqual([[], 1])
})
