import { users } from '@shop/contracts'
import { remote } from '@tenon/core'
import { grpcClient } from '@tenon/transport-grpc'
import { expect, test } from 'vitest'
import { userAddressOf } from './user-address.ts'

test.each([
  [undefined, 'static:///127.0.0.1:50051'],
  ['10.0.0.7', 'static:///10.0.0.7:50051'],
  ['localhost', 'static:///localhost:50051'],
  ['0.0.0.0', 'static:///127.0.0.1:50051'],
  ['::', 'static:///[::1]:50051'],
  ['::1', 'static:///[::1]:50051'],
])('finds the user service that listens on %s', (host, at) => {
  expect(userAddressOf({ userAddress: undefined, userGrpcPort: 50_051, registry: undefined, host })).toBe(at)
  expect(() => remote(users, { via: grpcClient(), at })).not.toThrow()
})

test('goes where the user service is said to be', () => {
  const userAddress = 'static:///users:1'
  expect(userAddressOf({ userAddress, userGrpcPort: 50_051, registry: 'kubernetes', host: '0.0.0.0' })).toBe(
    userAddress,
  )
})

test.each([
  ['consul://consul:8500', 'registry:///user'],
  ['kubernetes', 'registry:///user'],
  ['static', 'static:///127.0.0.1:50051'],
])('asks the registry where it is, if there is one: %s', (registry, at) => {
  expect(userAddressOf({ userAddress: undefined, userGrpcPort: 50_051, registry, host: undefined })).toBe(at)
  expect(() => remote(users, { via: grpcClient(), at })).not.toThrow()
})
