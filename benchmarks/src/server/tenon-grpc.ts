import { defineService } from '@tenon/core'
import { grpcTransport } from '@tenon/transport-grpc'
import { ready } from './ready.ts'
import { grpcShopHandler } from './grpc-shop.ts'

const service = defineService({
  name: 'shop',
  version: '1.0.0',
  admin: false,
  handlers: [grpcShopHandler],
  transports: () => [grpcTransport({ port: 0 })],
})
const { addresses } = await service.start()
ready(addresses[0]?.port ?? 0)
