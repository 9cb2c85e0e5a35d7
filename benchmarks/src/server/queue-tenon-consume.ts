import { defineConsumer, defineService } from '@tenon/core'
import { queueTransport } from '@tenon/transport-queue'
import { benchDriver } from './queue-driver.ts'
import { serveTurns } from './queue-turn.ts'
import { handleOrder, orderPlaced } from './queue-work.ts'
import { ready } from './ready.ts'

serveTurns(async ({ group }, handled) => {
  const consumer = defineConsumer(
    orderPlaced,
    () => async (order) => {
      handleOrder(order)
      handled(order.sentAt || undefined)
    },
    { group },
  )
  const service = defineService({
    name: 'bench',
    version: '1.0.0',
    admin: false,
    handlers: [consumer],
    transports: () => [queueTransport({ driver: benchDriver() })],
  })
  const started = await service.start()
  return async () => void (await started.stop())
})
ready(0)
