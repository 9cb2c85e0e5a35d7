import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ErrorCode, ServiceError } from '@tenon/core/transport'
import { onTestFinished } from 'vitest'
import { asBuffer } from '../bytes.ts'
import { memoryBroker } from '../driver/memory/memory-broker.ts'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { sqliteDriver } from '../driver/sqlite/sqlite-driver.ts'
import type { QueueDriver, RecordToSend } from '../queue-driver.ts'
import { topic } from '../queue-transport.test-harness.ts'
import { deadLetterForms } from './dead-letter.ts'
import { readRanges } from './read-ranges.ts'
import { allOf } from './visit-letters.ts'

export const owner = { topic, group: 'user' }
/** Who redrives in tests, without looking at consumers that are not there. */
export const selection = { ...owner, by: 'anna', watchMs: 0 }

export interface GivenLetter {
  readonly key?: string | null
  /** Where its message lay in partition 0. @defaultValue its place in the list */
  readonly offset?: number
  readonly code?: ErrorCode
  readonly reason?: string
  readonly handler?: string
  readonly failedAt?: number
  readonly value?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Stores letters of messages `{ orderId, count }`, whose count is their place in the list. */
export async function bury(driver: QueueDriver, letters: readonly GivenLetter[], of: string = topic): Promise<void> {
  await driver.ensureTopics([{ topic: of }])
  const records = letters.map((letter, index) => toLetter(of, { offset: index, ...letter }, index))
  await driver.produce(records, { timeoutMs: 20_000 })
}

function toLetter(of: string, given: GivenLetter & { readonly offset: number }, index: number): RecordToSend {
  const { key = 'k', offset, code = 'internal', reason, handler = 'h', failedAt = 0, headers = {} } = given
  const value = given.value ?? { orderId: key ?? '', count: index }
  const record = {
    topic: of,
    partition: 0,
    offset,
    timestampAt: 1_700_000_000_000 + offset,
    key: key === null ? null : Buffer.from(key),
    value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    headers: Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const),
  }
  const error = new ServiceError(code, 'no', reason === undefined ? {} : { reason })
  const burial = { error, group: owner.group, handler, attemptCount: 1, firstFailedAt: failedAt, failedAt }
  const [letter] = deadLetterForms(record, burial)
  if (letter === undefined) throw new Error('expected a letter')
  return letter
}

/** Brokers of one's own that need nothing installed. */
export const brokers = {
  memory: () => memoryDriver({ broker: memoryBroker({ partitionCount: 3, retainedCount: 50_000 }) }),
  sqlite: () => {
    const folder = mkdtempSync(join(tmpdir(), 'tenon-letter-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    return sqliteDriver({ path: join(folder, 'queue.db'), partitionCount: 3 })
  },
} satisfies Readonly<Record<string, () => QueueDriver>>

/** One of them, connected until the test ends. */
export async function connect(name: keyof typeof brokers): Promise<QueueDriver> {
  const driver = brokers[name]()
  await driver.connect({ clientId: 'test' })
  onTestFinished(() => driver.close())
  return driver
}

/** The payloads that lie in a topic, partition by partition in their order. */
export async function payloadsIn(
  driver: QueueDriver,
  of: string = topic,
): Promise<readonly { readonly orderId: string; readonly count: number }[]> {
  const records = await recordsIn(driver, of)
  return records.map(
    ({ value }) => JSON.parse(String(asBuffer(value ?? Buffer.of()))) as { orderId: string; count: number },
  )
}

/** The records that lie in a topic. */
export async function recordsIn(driver: QueueDriver, of: string): Promise<readonly RecordToSend[]> {
  const records: RecordToSend[] = []
  const ranges = await allOf(driver, of)
  await readRanges(driver, { topic: of, ranges, timeoutMs: 10_000 }, (record) => void records.push(record))
  return records
}

/** A driver of which some methods do something else first. */
export function withChanges(driver: QueueDriver, changes: Partial<QueueDriver>): QueueDriver {
  const own = Object.getOwnPropertyNames(Object.getPrototypeOf(driver)).filter((name) => name !== 'constructor')
  const bound = own.flatMap((name) => {
    const value: unknown = Reflect.get(driver, name)
    return typeof value === 'function' ? [[name, value.bind(driver) as unknown] as const] : [[name, value] as const]
  })
  return { name: driver.name, target: driver.target, ...Object.fromEntries(bound), ...changes } as QueueDriver
}
