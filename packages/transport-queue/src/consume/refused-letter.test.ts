import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import type { QueueDriver } from '../queue-driver.ts'
import { deadLetters, type Handle, headersOf, type StartOptions, topic } from '../queue-transport.test-harness.ts'
import { pass, watchedConsumer } from './watch/standstill.test-harness.ts'

const hourMs = 3_600_000
const options = { retry: { initialDelayMs: 20 }, maxUncommittedCount: 10, commitIntervalMs: 10 }
const others = 'abcdefghijklmnopqrstuvw'
const reason = `partition 0 of ${topic}: it cannot store dead letters in ${deadLetters}, and tries again`

/** A consumer that gives up all messages of keys in capitals, and may store no dead letter until it may, or was refused so often. */
async function refused(given: StartOptions = {}, refusalCount = Infinity) {
  const seen: string[] = []
  const handle: Handle = async ({ orderId, count }) => {
    seen.push(`${orderId}${count}`)
    if (orderId < 'a') throw new ServiceError('data_loss', 'broken', { reason: 'torn' })
  }
  const consumer = await watchedConsumer(handle, { ...options, ...given })
  const { driver } = consumer
  const rights = { refusalCount }
  const produce = driver.produce.bind(driver)
  const refusing: QueueDriver['produce'] = async (records, bound) => {
    if (records.some((record) => record.topic === deadLetters) && rights.refusalCount-- > 0)
      throw new ServiceError('permission_denied', 'not allowed')
    await produce(records, bound)
  }
  Object.assign(driver, { produce: refusing })
  return { ...consumer, seen, rights }
}

test('a dead letter that is refused is set aside: other keys flow, and the reason says so until it is stored', async () => {
  const { broker, rights, seen, send, report, reason: reasonNow, isLive, isReady } = await refused()
  await send(`P${others}P`)
  const givenUpAt = new Date().toISOString()
  await pass(10_000)
  expect(seen).toEqual(Array.from(`P${others}`, (key, count) => `${key}${count}`))
  expect(await report()).toMatchObject({ parkedCount: 2, lagCount: 0 })
  await pass(hourMs)
  expect([isLive(), isReady(), reasonNow()]).toEqual([true, true, reason])
  rights.refusalCount = 0
  await pass(60_000)
  expect([seen.filter((name) => name.startsWith('P')), reasonNow()]).toEqual([['P0', 'P24'], undefined])
  expect((await report())?.parkedCount).toBe(0)
  const letters = broker.records(deadLetters).map(headersOf)
  expect(letters.map((letter) => letter['tenon-source-offset'])).toEqual(['0', '24'])
  expect(letters[0]).toEqual({
    'tenon-error-code': 'data_loss',
    'tenon-error-message': 'broken',
    'tenon-error-reason': 'torn',
    'tenon-attempts': '1',
    'tenon-first-failed-at': givenUpAt,
    'tenon-failed-at': givenUpAt,
    'tenon-handler': `consume ${topic}`,
    'tenon-source-topic': topic,
    'tenon-source-partition': '0',
    'tenon-source-offset': '0',
    'tenon-source-timestamp': String(Date.parse(givenUpAt)),
  })
})

test.each(['continue', 'halt-key'] as const)(
  'the next owner of one that was set aside so does not handle it again, with onExhausted %s',
  async (onExhausted) => {
    const retry = { ...options.retry, onExhausted }
    const { broker, driver, rights, seen, send, report, reason: reasonNow } = await refused({ retry })
    await send(`Pa`)
    await pass(10_000)
    broker.evict(driver, { noticedAfterMs: 0 })
    await pass(10_000)
    expect([(await report())?.parkedCount, reasonNow()]).toEqual([1, reason])
    rights.refusalCount = 0
    await pass(60_000)
    expect(seen).toEqual(['P0', 'a1'])
    expect(broker.records(deadLetters)).toHaveLength(1)
  },
)

test('it is warned of when half of the time is over for which the retry topic keeps it', async () => {
  const { driver, rights, send, told } = await refused()
  Object.assign(driver, { retentionOf: async () => ({ keptMs: 8 * hourMs, isCompacted: false }) })
  const warnings = () => told('warn').filter((text) => text.includes('wait to be buried'))
  await send('Pa')
  await pass(4 * hourMs - 60_000)
  expect(warnings()).toEqual([])
  await pass(600_000)
  expect(warnings()).toEqual([
    `messages wait to be buried in ${topic}.retry.user until it removes them, and those of their keys behind them: give the service the right to write to its dead-letter topic, or the topic a longer retention.ms`,
  ])
  rights.refusalCount = 0
  await pass(4 * hourMs)
  expect(warnings()).toHaveLength(1)
})

test('one that is refused for a moment stays where it is', async () => {
  const { broker, seen, send, report } = await refused({}, 2)
  await send('Pa')
  await pass(10_000)
  expect([seen, broker.records(deadLetters).length]).toEqual([['P0', 'a1'], 1])
  expect([(await report())?.parkedCount, broker.records(`${topic}.retry.user`)]).toEqual([0, []])
})

test('where all messages are given up and refused, no topic is moved over', async () => {
  const { seen, send, report, reason: reasonNow } = await refused()
  await send('ABCDEFGHIJKLMNOPQRST')
  await pass(hourMs)
  expect([seen.length, (await report())?.parkedCount, reasonNow()]).toEqual([10, 0, reason])
})

test('with the order of a partition it holds that up, and the reason says so', async () => {
  const { rights, seen, send, reason: reasonNow } = await refused({ retry: { ...options.retry, order: 'partition' } })
  await send('Pa')
  await pass(10_000)
  expect([seen, reasonNow()]).toEqual([['P0'], reason])
  rights.refusalCount = 0
  await pass(60_000)
  expect([seen, reasonNow()]).toEqual([['P0', 'a1'], undefined])
})
