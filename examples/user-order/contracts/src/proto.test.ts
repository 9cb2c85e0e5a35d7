import { readFile } from 'node:fs/promises'
import { contractInfo } from '@tenon/core/contract'
import { protoOf } from '@tenon/transport-grpc'
import { expect, test } from 'vitest'
import { orders, users } from './index.ts'

test.each([users, orders])('the .proto file of a contract is up to date: else run npm run proto', async (contract) => {
  const [{ proto } = { proto: undefined }] = contractInfo(contract).operations
  if (!(proto instanceof URL)) throw new Error('the contract names no file')
  const lock = await readFile(proto, 'utf8')
  expect(protoOf(contract, { lock })).toBe(lock)
})
