import { expect, it } from 'vitest'
import { grpcTransport } from './grpc-transport.ts'

it('tells before it is bound where it is going to listen', () => {
  expect(grpcTransport().listensAt?.('0.0.0.0')).toEqual([{ protocol: 'grpc', host: '0.0.0.0', port: 50_051 }])
  expect(grpcTransport({ host: '::1', port: 0 }).listensAt?.('0.0.0.0')).toEqual([
    { protocol: 'grpc', host: '::1', port: 0 },
  ])
  expect(grpcTransport({ path: '/run/shop.sock' }).listensAt?.('0.0.0.0')).toEqual([
    { protocol: 'grpc', host: 'unix:/run/shop.sock', port: 0 },
  ])
})
