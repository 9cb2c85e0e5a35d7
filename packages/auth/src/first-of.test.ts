import { type Authenticator, ServiceError } from '@tenon/core'
import { expect, it, vi } from 'vitest'
import { firstOf } from './first-of.ts'

const call = { transport: 'test', metadata: {} }
const knows = (id: string): Authenticator => vi.fn(() => ({ id }))
const passes: Authenticator = async () => undefined

it('asks in order, and no more once one knows the caller', async () => {
  const last = knows('last')
  expect(await firstOf(passes, knows('ann'), last)(call)).toEqual({ id: 'ann' })
  expect(last).not.toHaveBeenCalled()
})

it('refuses with the first that finds a bad credential, whoever comes behind', async () => {
  const refused = new ServiceError('unauthenticated', 'x')
  const last = knows('last')
  await expect(firstOf(passes, () => Promise.reject(refused), last)(call)).rejects.toBe(refused)
  expect(last).not.toHaveBeenCalled()
})

it('knows nobody where none does', async () => {
  expect(await firstOf(passes, () => null as never)(call)).toBeUndefined()
})
