import { fastify } from 'fastify'
import { ready } from './ready.ts'
import { findUser, placeOrder } from './shop-work.ts'

const text = { type: 'string' } as const
const item = {
  type: 'object',
  required: ['sku', 'quantity', 'unitPriceCents'],
  properties: {
    sku: { type: 'string', minLength: 1 },
    quantity: { type: 'integer', minimum: 1, maximum: 1_000 },
    unitPriceCents: { type: 'integer', minimum: 0, maximum: 1_000_000_000 },
  },
} as const
const user = {
  type: 'object',
  required: ['userId', 'name', 'email', 'roles'],
  properties: { userId: text, name: text, email: text, roles: { type: 'array', items: text } },
}
const order = {
  type: 'object',
  required: ['orderId', 'userId', 'items', 'totalCents', 'status'],
  properties: {
    orderId: text,
    userId: text,
    items: { type: 'array', items: item },
    totalCents: { type: 'integer' },
    status: text,
  },
}

/** Raw Fastify with the same routes, validation and reply schemas. */
const app = fastify({ logger: false })
app.get<{ Params: { userId: string } }>(
  '/users/:userId',
  {
    schema: { params: { type: 'object', required: ['userId'], properties: { userId: text } }, response: { 200: user } },
  },
  async ({ params }) => findUser(params.userId),
)
app.post<{ Body: Parameters<typeof placeOrder>[0] }>(
  '/orders',
  {
    schema: {
      body: {
        type: 'object',
        required: ['userId', 'items'],
        properties: { userId: text, items: { type: 'array', minItems: 1, items: item } },
      },
      response: { 201: order },
    },
  },
  async ({ body }, reply) => {
    reply.code(201)
    return placeOrder(body)
  },
)
const address = await app.listen({ host: '127.0.0.1', port: 0 })
ready(Number(new URL(address).port))
