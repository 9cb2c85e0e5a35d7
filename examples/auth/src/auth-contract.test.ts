import { readFile } from 'node:fs/promises'
import { protoOf } from '@tenon/transport-grpc'
import { expect, test } from 'vitest'
import { auth } from './auth-contract.ts'

test('the .proto file of the contract is up to date: else run npm run proto', async () => {
  const lock = await readFile(new URL('./auth.proto', import.meta.url), 'utf8')
  expect(protoOf(auth, { lock })).toBe(lock)
})
