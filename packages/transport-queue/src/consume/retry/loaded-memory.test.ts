import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { withChanges } from '../../dead-letter/dead-letter.test-harness.ts'
import { memoryBroker } from '../../driver/memory/memory-broker.ts'
import { memoryDriver } from '../../driver/memory/memory-driver.ts'
import type { PartitionProgress, QueueDriver, ReceivedRecord } from '../../queue-driver.ts'
import { resolveQueue } from '../../queue-options.ts'
import { host } from '../../queue-transport.test-harness.ts'
import { resolveConsumer } from '../plan/consumer-settings.ts'
import { ownerName } from './load/counted-records.ts'
import { toParked } from './write/parked-message.ts'
import { PartitionRetry } from './partition-retry.ts'
import { SharedProgress } from './topic/shared-progress.ts'

const topic = 'orders.retry.user'
const owner = ownerName(0, 1)
const messageCount = 10_000
/** As note 0054 says, and what else there is: the table of the fence, and what the runner of tests allocates meanwhile. */
const mostBytesOfMessage = 260
const mostBytesOfPlace = 80
const otherBytes = 700_000

/** A retry topic with so many open messages of so many bytes and keys, made as they are read and kept by nobody. */
function filled(count: number, valueBytes: number, keyCount: number): QueueDriver {
  const progress: PartitionProgress = { partition: 0, earliestOffset: 0, nextOffset: count, committedOffset: 0 }
  async function* read() {
    for (let offset = 0; offset < count; offset += 100)
      yield Array.from({ length: 100 }, (_, index) => parked(offset + index, valueBytes, keyCount))
  }
  return withChanges(memoryDriver({ broker: memoryBroker() }), {
    describe: async () => [progress],
    read,
    produce: async () => undefined,
  })
}

function parked(offset: number, valueBytes: number, keyCount: number): ReceivedRecord {
  const place = { topic: 'orders', partition: 0, offset, timestampAt: offset }
  const key = Buffer.from(`key ${offset % keyCount}`)
  const source = { ...place, key, value: Buffer.alloc(valueBytes), headers: [] }
  const record = toParked(source, { topic, owner, sequence: offset + 1, history: undefined })
  return { ...record, partition: 0, offset, timestampAt: offset }
}

async function loaded(driver: QueueDriver): Promise<PartitionRetry> {
  const settings = resolveQueue({ driver })
  const { signal } = new AbortController()
  const source = {
    topic: 'orders',
    partition: 0,
    revoked: signal,
    lost: signal,
    startOffset: async () => 1_000_000,
    fetch: async () => [],
    commit: async () => true,
    commitBeside: async () => true,
  }
  const consumer = { topic: 'orders', group: 'user', settings: resolveConsumer({}, settings) }
  const progress = new SharedProgress(driver, settings.clock)
  const retry = new PartitionRetry({ source, consumer, settings, log: host.log, progress })
  expect(await retry.begin()).toBe(true)
  return retry
}

interface HeldFacts {
  readonly count: number
  readonly valueBytes: number
  readonly keyCount: number
  /** Whether all was read back, and nothing begun: as what is behind a key that waits. */
  readonly isReadBack?: boolean
}

async function heldBytes({ count, valueBytes, keyCount, isReadBack = false }: HeldFacts): Promise<number> {
  const before = await used()
  const retry = await loaded(filled(count, valueBytes, keyCount))
  while (isReadBack && retry.partition.position < count) await retry.partition.fetch()
  const held = (await used()) - before
  expect(retry.parkedCount).toBe(count)
  return held
}

/** What is let go in one turn may be held by its promises until the next, and memory outside the heap until a second collection. */
async function used(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  for (let turn = 0; turn < 3; turn++) {
    await setImmediate()
    collect()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

test.each([
  ['however large it is', 2_000, 10, false],
  ['and some more for each place of the fence', 1, messageCount, false],
  ['and no more once it was read back and put back', 2_000, 10, true],
])(
  'an owner holds some numbers for each message that is set aside, %s',
  async (_what, valueBytes, keyCount, isReadBack) => {
    await heldBytes({ count: 100, valueBytes: 1, keyCount: 1, isReadBack })
    const held = await heldBytes({ count: messageCount, valueBytes, keyCount, isReadBack })
    expect(held).toBeLessThan(messageCount * mostBytesOfMessage + keyCount * mostBytesOfPlace + otherBytes)
  },
)
