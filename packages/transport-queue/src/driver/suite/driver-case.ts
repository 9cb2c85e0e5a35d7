import type { AssignedPartition, QueueDriver, RecordToSend } from '../../queue-driver.ts'

/** What a driver brings to be tried: one broker, and drivers that reach it. */
export interface DriverHarness {
  /** A driver that is connected; the harness closes it after the case. */
  connect(): Promise<QueueDriver>
  /** A name that no other case uses. */
  unique(name: string): string
}

/** One thing that every driver must do. Fails by throwing, or by not ending. */
export interface DriverCase {
  readonly name: string
  run(harness: DriverHarness): Promise<void>
}

export const never: AbortSignal = new AbortController().signal
export const bound = { timeoutMs: 20_000 }
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

export async function prepare(
  harness: DriverHarness,
): Promise<{ readonly driver: QueueDriver; readonly topic: string }> {
  const driver = await harness.connect()
  const topic = harness.unique('topic')
  await driver.ensureTopics([{ topic, partitionCount: 3 }])
  return { driver, topic }
}

export function membership(group: string, topics: readonly string[]) {
  return { group, topics, log: silent, consume: revoked, fail() {} }
}

export function revoked({ revoked: signal }: Pick<AssignedPartition, 'revoked'>): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

export function record(topic: string, key: string, value: string): RecordToSend {
  return { topic, key: bytes(key), value: bytes(value), headers: [] }
}

export function bytes(words: string): Uint8Array {
  return Buffer.from(words)
}

export function text(value: Uint8Array | null | undefined): string | undefined {
  return value ? Buffer.from(value).toString() : undefined
}
