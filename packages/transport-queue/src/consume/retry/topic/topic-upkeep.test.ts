import { expect, onTestFinished, test, vi } from 'vitest'
import { memoryBroker } from '../../../driver/memory/memory-broker.ts'
import { memoryDriver } from '../../../driver/memory/memory-driver.ts'
import { resolveQueue } from '../../../queue-options.ts'
import { host } from '../../../queue-transport.test-harness.ts'
import { resolveConsumer } from '../../plan/consumer-settings.ts'
import { SharedProgress } from './shared-progress.ts'
import { TopicUpkeep } from './topic-upkeep.ts'

/** Upkeep of a topic that is made from offset 7 on, whose commits are stored or refused. */
function upkeep({ isStored }: { readonly isStored: boolean }) {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const driver = memoryDriver({ broker: memoryBroker() })
  const settings = resolveQueue({ driver })
  const given = new AbortController()
  const { signal: revoked } = given
  const source = {
    topic: 'orders',
    partition: 2,
    revoked,
    lost: revoked,
    startOffset: async () => 0,
    fetch: async () => [],
    commit: async () => true,
    commitBeside: async () => true,
  }
  const calls: string[] = []
  const topic = {
    name: 'orders.retry.user',
    make: async () => 7,
    isGone: async () => true,
    gone: () => void calls.push('topic'),
  }
  const partition = {
    revoked,
    position: 7,
    farthest: 12,
    startAt: (offset: number) => void calls.push(`partition from ${offset}`),
    restartAt: (offset: number) => void calls.push(`partition behind ${offset}`),
    storeAnew: async () => {
      calls.push('commit')
      return isStored
    },
  }
  const readBack = {
    endOffset: 9,
    startAt: (offset: number) => void calls.push(`read back from ${offset}`),
    restartAt: (offset: number) => void calls.push(`read back behind ${offset}`),
  }
  const kept = new TopicUpkeep({
    source,
    consumer: { topic: 'orders', group: 'user', settings: resolveConsumer({}, settings) },
    settings,
    log: host.log,
    progress: new SharedProgress(driver, settings.clock),
    topic,
    partition,
    readBack,
    writer: { restart: () => void calls.push('writer') },
    open: { oldestStoredAt: () => undefined },
    stages: () => new Map(),
  })
  return { kept, calls, given }
}

test('a topic that was made is read from where it begins, and its commit kept once, however often it is made', async () => {
  const { kept, calls, given } = upkeep({ isStored: true })
  await kept.prepare()
  // One of them keeps it.
  expect(calls).toEqual(['partition from 7', 'read back from 7', 'commit', 'commit'])
  await kept.prepare()
  expect(calls.slice(4)).toEqual(['partition from 7', 'read back from 7', 'commit'])
  given.abort()
  expect(vi.getTimerCount()).toBe(0)
})

test('a partition whose commit is refused sets nothing aside', async () => {
  const { kept } = upkeep({ isStored: false })
  const text = "partition 2 seems to be another's"
  await expect(kept.prepare()).rejects.toMatchObject({ code: 'unavailable', message: text })
})

test('what comes next of a topic that is gone lies behind all that lay in it', async () => {
  const { kept, calls, given } = upkeep({ isStored: true })
  await kept.missed()
  expect(calls).toEqual(['topic', 'writer', 'partition behind 12', 'read back behind 12'])
  given.abort()
  await kept.missed()
  expect(calls).toHaveLength(4)
})
