import { orders } from '@shop/contracts'
import { defineService, hook } from '@tenon/core'
import { Publisher } from '@tenon/core/client'
import { queueDriver, queueTransport } from '@tenon/transport-queue'

/** Sends commands from outside the cluster. */
export interface CommandSender extends AsyncDisposable {
  /** Resolves when the broker has stored the command. */
  placeOrder(userId: string): Promise<void>
}

/** A service that does nothing but send. */
export async function openSender(brokers: readonly string[]): Promise<CommandSender> {
  const opened = Promise.withResolvers<Publisher>()
  const started = await defineService({
    name: 'order-sender',
    version: '0.0.0',
    handlers: [],
    transports: () => [queueTransport({ driver: queueDriver({ brokers }) })],
    onReady: [hook('hand over the publisher', (publisher) => opened.resolve(publisher), { needs: [Publisher] })],
    admin: false,
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const publisher = await opened.promise
  return {
    placeOrder: (userId) =>
      publisher.send(orders.placeOrder, { userId, items: [{ sku: 'tea', quantity: 1, unitPriceCents: 350 }] }),
    [Symbol.asyncDispose]: async () => {
      await started.stop()
    },
  }
}
