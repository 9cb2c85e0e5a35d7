import { about, orderCancelled, orderPlaced, orders } from '@shop/contracts'
import { asyncapi } from '@tenon/transport-queue'
import { service } from './service.ts'

/** The committed description of what this service sends and receives. */
export const documentUrl = new URL('../asyncapi.json', import.meta.url)

/** What it has to be. */
export const documentText = `${JSON.stringify(
  asyncapi([service, orders, orderPlaced, orderCancelled], {
    title: 'Orders',
    description: 'Places orders that are sent to it, and tells of those that were placed or cancelled.',
    contact: about.contact,
    license: { name: 'MIT', url: 'https://spdx.org/licenses/MIT' },
    servers: {
      local: { host: '127.0.0.1:9092', description: 'With `KAFKA_BROKERS`; else messages stay on one machine.' },
    },
  }),
  undefined,
  2,
)}\n`
