import { expect, test } from 'vitest'
import type { TopicRetention, TopicToEnsure } from '../../../queue-driver.ts'
import { retryDefaults } from '../../../retry-options.ts'
import { connected, embeddedDrivers, warnings } from '../../../queue-driver.test-harness.ts'
import { withChanges } from '../../../dead-letter/dead-letter.test-harness.ts'
import { ServiceError } from '@tenon/core/transport'
import { resolveQueue } from '../../../queue-options.ts'
import { resolveConsumer } from '../../plan/consumer-settings.ts'
import { consume, send, topic, untilParked } from '../retry.test-harness.ts'
import { checkRetention } from './retry-retention.ts'
import { SharedProgress } from './shared-progress.ts'

const dayMs = 86_400_000
const neededMs = retryDefaults.maxAgeMs + retryDefaults.maxDelayMs + dayMs
const lost = `and messages that are set aside may be lost: give it cleanup.policy=delete and retention.ms of ${neededMs} at least`
const name = `${topic}.retry.user`

async function memory() {
  const [first] = embeddedDrivers
  if (first === undefined) throw new Error('expected a driver')
  const driver = await connected(first[1]()())
  await driver.ensureTopics([{ topic, partitionCount: 2 }])
  return driver
}

test.each<[what: string, retention: TopicRetention | undefined, told: readonly string[]]>([
  ['keeps its records long enough', { keptMs: neededMs, isCompacted: false }, []],
  ['whose settings may not be looked at', undefined, []],
  [
    'loses its records too soon',
    { keptMs: neededMs - 1, isCompacted: false },
    [`topic ${name} keeps its records for ${neededMs - 1} ms, ${lost}`],
  ],
  ['is compacted', { keptMs: Number.POSITIVE_INFINITY, isCompacted: true }, [`topic ${name} is compacted, ${lost}`]],
])('a retry topic that is there and %s', async (_what, retention, expected) => {
  const driver = await memory()
  await driver.ensureTopics([{ topic: name, partitionCount: 2 }])
  const { log, told } = warnings()
  const asked: string[] = []
  const retentionOf = async (of: string) => {
    asked.push(of)
    if (retention === undefined) throw new ServiceError('permission_denied', 'no')
    return retention
  }
  const { promise: handled, resolve } = Promise.withResolvers<void>()
  await consume(withChanges(driver, { retentionOf }), async () => resolve(), { log })
  await send(driver, ['a'])
  await handled
  expect(asked).toEqual([name])
  expect(told).toEqual(expected)
})

test.each([
  ['that is away is asked again by the next assignment, until it has answered', 'unavailable', 2],
  ['that may not be asked is not asked again', 'permission_denied', 1],
] as const)('a broker %s', async (_what, code, askedCount) => {
  const driver = await memory()
  let asked = 0
  const retentionOf = async () => {
    asked += 1
    if (asked === 1) throw new ServiceError(code, 'no')
    return { keptMs: 1_000, isCompacted: false }
  }
  const settings = resolveQueue({ driver: withChanges(driver, { retentionOf }) })
  const { log, told } = warnings()
  const consumer = { settings: resolveConsumer({}, settings) }
  const progress = new SharedProgress(driver, settings.clock)
  for (let assignments = 0; assignments < 3; assignments++)
    await checkRetention({ topic: name, consumer, settings, log, progress })
  expect([asked, told.length]).toEqual([askedCount, askedCount - 1])
})

test.each([
  ['for a week', 0, 7 * dayMs],
  ['for as long as a message may be held back, and a day', 30 * dayMs, neededMs + 30 * dayMs],
])('one that is created keeps its records %s', async (_what, maxDelayMs, keptMs) => {
  const driver = await memory()
  const created: TopicToEnsure[] = []
  const ensureTopics = async (topics: readonly TopicToEnsure[]) => {
    created.push(...topics.filter((one) => one.topic === name))
    await driver.ensureTopics(topics)
  }
  const handle = async ({ orderId }: { readonly orderId: string }) => {
    if (orderId === 'poison') throw new ServiceError('unavailable', 'not now')
  }
  await send(driver, ['poison', ...Array.from({ length: 30 }, (_, index) => `k${index}`)])
  const { transport } = await consume(withChanges(driver, { ensureTopics }), handle, {
    maxUncommittedCount: 10,
    maxDelayMs,
  })
  await untilParked(transport, 1)
  expect(created).toEqual([{ topic: name, partitionCount: 2, keptMs }])
})
