import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { type Item, listItems } from '../../src/server/item-work.ts'
import { ready } from '../../src/server/ready.ts'
import { findUser, type NewOrder, placeOrder } from '../../src/server/shop-work.ts'
import { ShopService } from './generated/shop_pb.ts'

/** Connect for Node over HTTP/2, asked by the gRPC protocol, with protobuf-es's messages. It validates nothing, unless a plug-in is added. */
const server = createServer(
  connectNodeAdapter({
    routes: (router) =>
      router.service(ShopService, {
        getUser: ({ userId = '' }) => findUser(userId),
        placeOrder: (order) => {
          // Nothing sees to it that all fields are there.
          const { totalCents, ...placed } = placeOrder(order as unknown as NewOrder<Item>)
          return { ...placed, totalCents: BigInt(totalCents) }
        },
        listItems: async function* ({ count = 0 }) {
          yield* listItems(count)
        },
      }),
  }),
)
server.listen(0, '127.0.0.1', () => ready((server.address() as AddressInfo).port))
