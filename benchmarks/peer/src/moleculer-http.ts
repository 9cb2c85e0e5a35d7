import { createRequire } from 'node:module'
import { ready } from '../../src/server/ready.ts'
import { findUser, placeOrder, type NewOrder } from '../../src/server/shop-work.ts'

// Its types are for CommonJS; the package itself is what its guide shows.
const require = createRequire(import.meta.url)
const { ServiceBroker } = require('moleculer')
const ApiGateway = require('moleculer-web')

/** Moleculer with its own gateway: REST in, local actions behind it, its default validator. */
const broker = new ServiceBroker({ logger: false, metrics: false })
broker.createService({
  name: 'shop',
  actions: {
    getUser: {
      params: { userId: 'string' },
      handler: ({ params }: { params: { userId: string } }) => findUser(params.userId),
    },
    placeOrder: {
      params: {
        userId: 'string',
        items: {
          type: 'array',
          min: 1,
          items: {
            type: 'object',
            props: {
              sku: { type: 'string', min: 1 },
              quantity: { type: 'number', integer: true, min: 1, max: 1_000 },
              unitPriceCents: { type: 'number', integer: true, min: 0, max: 1_000_000_000 },
            },
          },
        },
      },
      handler(context: { params: NewOrder; meta: Record<string, unknown> }) {
        context.meta['$statusCode'] = 201
        return placeOrder(context.params)
      },
    },
  },
})
const gateway = broker.createService({
  mixins: [ApiGateway],
  settings: {
    ip: '127.0.0.1',
    port: 0,
    routes: [
      {
        path: '/',
        aliases: { 'GET users/:userId': 'shop.getUser', 'POST orders': 'shop.placeOrder' },
        bodyParsers: { json: true },
      },
    ],
  },
})
await broker.start()
ready(gateway.server.address().port)
