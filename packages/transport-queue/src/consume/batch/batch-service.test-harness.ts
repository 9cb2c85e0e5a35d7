import { randomBytes } from 'node:crypto'
import { type BatchConsumesOptions, type BatchItem, type Call, defineConsumer, defineService } from '@tenon/core'
import { event } from '@tenon/core/contract'
import { type Logger, ServiceError } from '@tenon/core/transport'
import Type from 'typebox'
import { onTestFinished } from 'vitest'
import type { QueueDriver, RecordToSend } from '../../queue-driver.ts'
import { connected } from '../../queue-driver.test-harness.ts'
import type { QueueOptions } from '../../queue-options.ts'
import { queueTransport } from '../../queue-transport.ts'

const Order = Type.Object({ orderId: Type.String(), count: Type.Integer() })
/** Of this run alone, for a broker that outlives it. */
const placed = event(`tenon-${randomBytes(6).toString('hex')}.batch.placed.v1`, {
  key: 'orderId',
  payload: Order,
})
export const { topic } = placed

export interface Order {
  readonly orderId: string
  readonly count: number
}

export type HandleBatch = (items: readonly BatchItem<Order>[], call: Call) => unknown

export interface BatchServiceOptions {
  readonly consumer: BatchConsumesOptions
  readonly queue?: Partial<QueueOptions>
  readonly handle?: HandleBatch
  readonly log?: Logger
}

/** Starts a service with a consumer of batches. Keeps what its handler was given, and lets a test wait for it. */
export async function startBatches(
  driver: QueueDriver,
  { consumer, queue = {}, handle = () => undefined, log }: BatchServiceOptions,
) {
  /** The messages of each batch as `<key><count>`. */
  const batches: string[][] = []
  const waiting = new Set<() => void>()
  const note: HandleBatch = (items, call) => {
    batches.push(items.map(({ payload }) => nameOf(payload)))
    for (const look of waiting) look()
    return handle(items, call)
  }
  const transport = queueTransport({ driver, ...queue })
  const service = defineService({
    name: 'user',
    version: '1.0.0',
    admin: false,
    log: { level: 'silent' },
    handlers: [defineConsumer(placed, () => note, consumer)],
    transports: () => [transport],
  })
  const started = await service.start({ environment: {}, ...(log && { log }) })
  onTestFinished(async () => void (await started.stop()))
  const until = (isEnough: (seen: readonly string[]) => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!isEnough(batches.flat())) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  return { transport, batches, until, stop: () => started.stop() }
}

export function nameOf({ orderId, count }: Order): string {
  return `${orderId}${count}`
}

/** Messages of these keys, counted; all in one partition. */
export function ordersOf(keys: string): readonly RecordToSend[] {
  return Array.from(keys, (orderId, count) => recordOf(orderId, JSON.stringify({ orderId, count })))
}

export function recordOf(key: string, value: string): RecordToSend {
  return { topic, partition: 0, key: Buffer.from(key), value: Buffer.from(value), headers: [] }
}

/** A driver that has sent the messages, and sends more. */
export async function senderOf(newDriver: () => QueueDriver, records: readonly RecordToSend[], partitionCount = 1) {
  const sender = await connected(newDriver())
  await sender.ensureTopics([{ topic, partitionCount }])
  const send = (more: readonly RecordToSend[]) => sender.produce(more, { timeoutMs: 20_000 })
  await send(records)
  return { sender, send }
}

export function failWith(code: 'aborted' | 'already_exists' | 'not_found'): ServiceError {
  return new ServiceError(code, 'as the test says')
}
