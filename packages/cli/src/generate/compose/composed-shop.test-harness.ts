import { defineHandler, list, optional, port, type Provider, remote, secret, text } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import type { ClientTransport } from '@tenon/core/client'
import { Type } from '@tenon/core/typebox'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'

const stock = contract('shop.stock.v1.StockService', {
  read: { input: Type.Object({}), output: Type.Object({}), http: 'GET /v1/stock' },
})

interface StockSettings {
  readonly httpPort: number
  readonly grpcPort: number
}

/** A service that another one calls, over HTTP and gRPC, and which cannot start without its database. */
export const stockOptions = {
  name: 'stock-room',
  config: {
    httpPort: port('HTTP_PORT', 8080),
    grpcPort: port('GRPC_PORT', 50051),
    databaseUrl: secret(text('STOCK_DATABASE_URL')),
    region: text('REGION'),
  },
  handlers: [defineHandler(stock, () => ({ read: async () => ({}) }))],
  transports: ({ httpPort, grpcPort }: StockSettings) => [
    httpTransport({ port: httpPort }),
    grpcTransport({ port: grpcPort }),
  ],
}

interface CallerSettings {
  readonly stockRoomAddress: string
}

/** A service that calls it, over gRPC unless another client is given. */
export function callerOptions(via: ClientTransport = grpcClient()) {
  return {
    name: 'caller',
    config: {
      stockRoomAddress: text('STOCK_ROOM_ADDRESS', 'static:///127.0.0.1:50051'),
      brokers: list('KAFKA_BROKERS', ['127.0.0.1:9092']),
      note: optional('NOTE'),
    },
    remotes: ({ stockRoomAddress }: CallerSettings): readonly Provider[] => [
      remote(stock, { via, at: stockRoomAddress }),
    ],
    transports: () => [httpTransport({ port: 8080 })],
  }
}
