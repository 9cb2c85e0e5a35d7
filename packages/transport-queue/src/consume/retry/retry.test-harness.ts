import { event } from '@tenon/core/contract'
import {
  type Arrival,
  compileSchema,
  type DeliveryOptions,
  type Logger,
  type Outcome,
  ServiceError,
  toServiceError,
} from '@tenon/core/transport'
import Type from 'typebox'
import { onTestFinished } from 'vitest'
import type { QueueDriver } from '../../queue-driver.ts'
import type { QueueOptions } from '../../queue-options.ts'
import { host, toRecord } from '../../queue-transport.test-harness.ts'
import { type QueueTransport, queueTransport } from '../../queue-transport.ts'

const Placed = Type.Object({ orderId: Type.String(), count: Type.Integer() })
const placed = event('shop.order.placed.v1', { key: 'orderId', payload: Placed })
export const { topic } = placed
export type Handle = (payload: Type.Static<typeof Placed>, arrival: Arrival) => Promise<unknown>

/** Messages of these keys in one partition, counted from 0. */
export async function send(driver: QueueDriver, keys: readonly string[], from = 0): Promise<void> {
  const records = keys.map((orderId, index) => ({
    ...toRecord(JSON.stringify({ orderId, count: from + index }), orderId),
    topic,
    partition: 0,
  }))
  await driver.produce(records, { timeoutMs: 20_000 })
}

export interface ConsumeOptions extends Partial<QueueOptions> {
  readonly log?: Logger
  /** What the consumer says of itself. */
  readonly delivery?: DeliveryOptions
}

/** A consumer of the topic in the group `user`, which ends with the test. */
export async function consume(
  driver: QueueDriver,
  handle: Handle,
  { log = host.log, delivery = {}, ...options }: ConsumeOptions = {},
) {
  const schema = compileSchema(Placed)
  const dispatch = async (arrival: Arrival): Promise<Outcome> => {
    try {
      const input = await schema.read(arrival.decode())
      if (!input.ok) throw new ServiceError('invalid_argument', 'bad')
      return {
        ok: true,
        value: await handle(input.value as Type.Static<typeof Placed>, arrival),
        callId: 'c',
        headers: undefined,
      }
    } catch (thrown) {
      return { ok: false, error: toServiceError(thrown), callId: 'c', headers: undefined }
    }
  }
  const transport = queueTransport({ driver, ...options })
  const server = transport.bind({ ...host, log, events: [{ event: placed, group: 'user', delivery, dispatch }] })
  await server.listen()
  onTestFinished(() => server.close())
  return { transport, server }
}

/** Resolves when so many messages are set aside. */
export async function untilParked(transport: QueueTransport, count: number): Promise<void> {
  const parked = async () => (await transport.consumers()).reduce((sum, { parkedCount }) => sum + parkedCount, 0)
  while ((await parked()) !== count) await new Promise((resolve) => setImmediate(resolve))
}
