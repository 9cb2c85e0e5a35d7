import { defineConsumer, defineService } from '@tenon/core'
import { queueTransport } from '@tenon/transport-queue'
import { benchDriver } from './queue-driver.ts'
import { withPublisher } from './queue-publisher.ts'
import { sendSideBySide } from './queue-send.ts'
import { type Handled, serveTurns } from './queue-turn.ts'
import { handleOrder, orderOf, orderPlaced } from './queue-work.ts'
import { ready } from './ready.ts'

/** Publishes and consumes in one process, over the broker that its services share. */
let told: Handled = () => undefined
const consumer = defineConsumer(
  orderPlaced,
  () => async (order) => {
    handleOrder(order)
    told()
  },
  { group: 'bench' },
)
const service = defineService({
  name: 'consumer',
  version: '1.0.0',
  admin: false,
  handlers: [consumer],
  transports: () => [queueTransport({ driver: benchDriver() })],
})
await service.start()
await withPublisher(async (publisher) => {
  serveTurns(async ({ messageCount }, handled) => {
    told = handled
    await sendSideBySide(messageCount, (index) => publisher.publish(orderPlaced, orderOf(index)))
    return async () => undefined
  })
  ready(0)
  await new Promise(() => undefined)
})
