import type { MethodDefinition, sendUnaryData, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js'
import { type Item, listItems } from './item-work.ts'
import { serveGrpc } from './serve-grpc.ts'
import { readListRequest, readOrderRequest, readUserRequest, writeItem, writeOrder, writeUser } from './shop-codec.ts'
import { findUser, type NewOrder, placeOrder } from './shop-work.ts'

type Order = ReturnType<typeof placeOrder<Item>>
type User = ReturnType<typeof findUser>

/** grpc-js with a codec written for these messages alone: the least that can be done above it. Nothing is validated. */
serveGrpc(
  {
    GetUser: method('GetUser', readUserRequest, writeUser),
    PlaceOrder: method('PlaceOrder', readOrderRequest, writeOrder),
    ListItems: { ...method('ListItems', readListRequest, writeItem), responseStream: true },
  },
  {
    GetUser: ({ request }: ServerUnaryCall<{ userId: string }, User>, answer: sendUnaryData<User>) =>
      answer(null, findUser(request.userId)),
    PlaceOrder: ({ request }: ServerUnaryCall<NewOrder<Item>, Order>, answer: sendUnaryData<Order>) =>
      answer(null, placeOrder(request)),
    ListItems: (call: ServerWritableStream<{ count: number }, Item>) => {
      for (const item of listItems(call.request.count)) call.write(item)
      call.end()
    },
  },
  // As Tenon's transport has it, so that what is compared is what lies above grpc-js.
  { 'grpc.enable_channelz': 0 },
)

/** What a server needs of a method; the client's half is never used here. */
function method<Request, Reply>(
  name: string,
  read: (bytes: Buffer) => Request,
  write: (reply: Reply) => Buffer,
): MethodDefinition<Request, Reply> {
  return {
    path: `/bench.v1.ShopService/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: unused,
    requestDeserialize: read,
    responseSerialize: write,
    responseDeserialize: unused,
  }
}

function unused(): never {
  throw new Error('a server neither writes requests nor reads replies')
}
