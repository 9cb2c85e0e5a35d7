import { serve } from '@hono/node-server'
import { zValidator } from '@hono/zod-validator'
import { Hono } from 'hono'
import { z } from 'zod'
import { ready } from '../../src/server/ready.ts'
import { findUser, placeOrder } from '../../src/server/shop-work.ts'

/** Hono on its Node server, with the validator its guide shows. */
const newOrder = z.object({
  userId: z.string(),
  items: z
    .array(
      z.object({
        sku: z.string().min(1),
        quantity: z.int().min(1).max(1_000),
        unitPriceCents: z.int().min(0).max(1_000_000_000),
      }),
    )
    .min(1),
})

const app = new Hono()
app.get('/users/:userId', (context) => context.json(findUser(context.req.param('userId'))))
app.post('/orders', zValidator('json', newOrder), (context) => context.json(placeOrder(context.req.valid('json')), 201))
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => ready(port))
