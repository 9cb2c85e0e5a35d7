import { randomUUID } from 'node:crypto'
import { type Order, orders, users } from '@shop/contracts'
import { service as orderService } from '@shop/order-service'
import { clientOf, provide, Publisher, ServiceError } from '@tenon/core'
import { buildClient, type Client, type ClientChannel } from '@tenon/core/client'
import { eventually } from '@tenon/testing'
import { memoryDriver } from '@tenon/transport-queue'
import { expect, test } from 'vitest'
import { freePorts, openChannel } from './shop.ts'
import { followTopic, sendRaw } from './topic.ts'

const topic = 'shop.order.place.v1'
const items = [{ sku: 'tea', quantity: 2, unitPriceCents: 350 }]

/** Fails as a broker that is away does, so many times; each time the message of the command comes again. */
class AwayPublisher extends Publisher {
  failureCount = 3

  async publish(): Promise<void> {
    this.failureCount -= 1
    if (this.failureCount >= 0) throw new ServiceError('unavailable', 'the broker is away')
  }

  async send(): Promise<void> {}
}

/** Stands for the user service, where every user exists. */
const allUsers: ClientChannel = {
  unary: async (_operation, input) => ({ ...Object(input), name: 'Ada', email: 'ada@example.com', orderCount: 0 }),
  async *serverStream() {},
  clientStream: async () => ({}),
  async *bidiStream() {},
  close: async () => undefined,
}

async function startOrderService(publisher: Publisher) {
  const started = await orderService.start({
    environment: { ...freePorts, DATA_DIR: ':memory:', LOG_LEVEL: 'silent' },
    overrides: [
      provide(clientOf(users), { create: () => buildClient(users, allUsers) }),
      provide(Publisher, { create: () => publisher }),
    ],
  })
  const { host, port } = started.addresses.find(({ protocol }) => protocol === 'grpc') ?? {}
  const channel = openChannel(orders, `${host}:${port}`)
  return {
    client: buildClient(orders, channel),
    [Symbol.asyncDispose]: async () => {
      await channel.close()
      await started.stop()
    },
  }
}

test('a command without orderId places one order however often it is delivered, and another command another', async () => {
  const publisher = new AwayPublisher()
  await using service = await startOrderService(publisher)
  const userId = randomUUID()
  const value = JSON.stringify({ userId, items })
  const command = (ce_id: string) => ({ topic, key: userId, value, headers: { ce_id, ce_source: 'web' } })
  const [one, other] = [randomUUID(), randomUUID()]
  // The first is also sent twice, as a producer does that heard no answer.
  for (const ce_id of [one, one, other]) await sendRaw(memoryDriver(), command(ce_id))
  expect(await placedBefore(service.client, userId)).toHaveLength(2)
  expect(publisher.failureCount).toBeLessThan(3)
})

test('a command that nothing tells from others is buried at once and places nothing', async () => {
  await using service = await startOrderService(new AwayPublisher())
  await using deadLetters = await followTopic(memoryDriver(), `${topic}.dlq.order`)
  const userId = randomUUID()
  await sendRaw(memoryDriver(), { topic, key: userId, value: JSON.stringify({ userId, items }) })
  expect(await placedBefore(service.client, userId)).toEqual([])
  const letter = await eventually(() => deadLetters.messages.find(({ key }) => key === userId) ?? notYet())
  expect(letter.headers).toMatchObject({
    'tenon-error-code': 'invalid_argument',
    'tenon-error-message': expect.stringMatching(/^\/orderId /),
  })
})

/** Orders of a user that had been placed when a command was handled that comes behind them; commands of one key keep their order. */
async function placedBefore(client: Client<typeof orders>, userId: string): Promise<readonly Order[]> {
  const orderId = randomUUID()
  await sendRaw(memoryDriver(), { topic, key: userId, value: JSON.stringify({ orderId, userId, items }) })
  await eventually(() => client.getOrder({ orderId }), { timeoutMs: 10_000 })
  const { orders: placed } = await client.listOrders({ userId })
  return placed.filter((order) => order.orderId !== orderId)
}

function notYet(): never {
  throw new Error('no dead letter yet')
}
