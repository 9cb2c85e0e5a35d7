import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from '@grpc/grpc-js'
import { ready } from './ready.ts'
import { findUser, placeOrder } from './shop-work.ts'
import { shopProto } from './shop-proto.ts'

type Order = Parameters<typeof placeOrder>[0]

/** grpc-js with proto-loader and nothing else: no validation, no deadline, no context. */
const server = new Server()
server.addService(shopProto, {
  GetUser: ({ request }: ServerUnaryCall<{ userId: string }, unknown>, answer: sendUnaryData<unknown>) =>
    answer(null, findUser(request.userId)),
  PlaceOrder: ({ request }: ServerUnaryCall<Order, unknown>, answer: sendUnaryData<unknown>) =>
    answer(null, placeOrder(request)),
})
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error
  ready(port)
})
