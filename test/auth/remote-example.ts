import { exchangeToken } from '@tenon/auth'
import { remote, type Secret } from '@tenon/core'
import { grpcClient } from '@tenon/transport-grpc'
import { orders } from './owner-example.ts'

export const orderRemote = (clientSecret: Secret) =>
  remote(orders, {
    via: grpcClient({ tls: {} }),
    at: 'registry:///order',
    interceptors: [
      exchangeToken({ tokenEndpoint: 'https://id.example/token', clientId: 'shop', clientSecret, audience: 'order' }),
    ],
  })
