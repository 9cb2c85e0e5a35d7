import type { sendUnaryData, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js'
import type { Item } from './item-work.ts'
import { listItems } from './item-work.ts'
import { serveGrpc } from './serve-grpc.ts'
import { findUser, type NewOrder, placeOrder } from './shop-work.ts'
import { shopProto } from './shop-proto.ts'

/** grpc-js with proto-loader as its guide shows them, and nothing else: no validation, no deadline, no context. */
serveGrpc(shopProto, {
  GetUser: ({ request }: ServerUnaryCall<{ userId: string }, unknown>, answer: sendUnaryData<unknown>) =>
    answer(null, findUser(request.userId)),
  PlaceOrder: ({ request }: ServerUnaryCall<NewOrder<Item>, unknown>, answer: sendUnaryData<unknown>) =>
    answer(null, placeOrder(request)),
  ListItems: (call: ServerWritableStream<{ count: number }, unknown>) => {
    for (const item of listItems(call.request.count)) call.write(item)
    call.end()
  },
})
