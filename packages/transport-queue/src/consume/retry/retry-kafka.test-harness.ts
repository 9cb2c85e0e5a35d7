import { event } from '@tenon/core/contract'
import { type Arrival, type Outcome, type RetryOptions, ServiceError, toServiceError } from '@tenon/core/transport'
import Type from 'typebox'
import type { QueueDriver } from '../../queue-driver.ts'
import { type QueueTransport, queueTransport } from '../../queue-transport.ts'
import { host } from '../../queue-transport.test-harness.ts'

/** A handler of the tests with Kafka. What it does is told by the key; where the message lay is `topic/partition@offset`. */
export type HandleAt = (key: string, place: string, attempt: number) => void

/** A consumer that fails every message of the key `poison` while the handler throws, with so small a window that these are set aside. */
export async function consumeAt(
  driver: QueueDriver,
  topic: string,
  { handle, retry }: { readonly handle: HandleAt; readonly retry?: RetryOptions },
) {
  const placed = event(topic, { key: 'orderId', payload: Type.Object({ orderId: Type.String() }) })
  const dispatch = async (arrival: Arrival): Promise<Outcome> => {
    try {
      const { orderId } = arrival.decode() as { readonly orderId: string }
      return {
        ok: true,
        value: handle(orderId, arrival.peer ?? '', arrival.attempt ?? 0),
        callId: 'c',
        headers: undefined,
      }
    } catch (thrown) {
      return { ok: false, error: toServiceError(thrown), callId: 'c', headers: undefined }
    }
  }
  const transport = queueTransport({
    driver,
    retry: { initialDelayMs: 50, maxDelayMs: 300, ...retry },
    maxUncommittedCount: 10,
    commitIntervalMs: 50,
  })
  const server = transport.bind({ ...host, events: [{ event: placed, group: groupOf(topic), delivery: {}, dispatch }] })
  await server.listen()
  return { transport, server }
}

/** Who consumes a topic: nobody else's group, on a broker that others use too. */
export function groupOf(topic: string): string {
  return `${topic}.user`
}

/** Sends messages of these keys into the only partition of a topic. */
export async function sendKeys(driver: QueueDriver, topic: string, keys: readonly string[]): Promise<void> {
  const toRecord = (orderId: string) => ({
    topic,
    partition: 0,
    key: Buffer.from(orderId),
    value: Buffer.from(JSON.stringify({ orderId })),
    headers: [],
  })
  await driver.produce(keys.map(toRecord), { timeoutMs: 30_000 })
}

/** Every tenth is poison, from the first on. */
export function poisonedKeys(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => (index % 10 === 0 ? 'poison' : `k${index % 7}`))
}

/** Resolves when this process has so many messages set aside, and has its partition. */
export async function untilAside(transport: QueueTransport, count: number): Promise<void> {
  for (;;) {
    const [report] = await transport.consumers()
    if (report?.partitions.length === 1 && report.parkedCount === count) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

export function failPoison(key: string): void {
  if (key === 'poison') throw new ServiceError('unavailable', 'not now')
}
