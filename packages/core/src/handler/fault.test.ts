import Type from 'typebox'
import { expect, it } from 'vitest'
import { contract } from '../contract/contract.ts'
import { fault } from './fault.ts'

const Id = Type.Object({ id: Type.String() })
const { getUser } = contract('a.A', { getUser: { input: Id, output: Id, errors: ['not_found'] } })

it('makes an error of a declared code, with a message or with more', () => {
  expect(fault(getUser, 'not_found', 'no such user')).toMatchObject({ code: 'not_found', message: 'no such user' })
  const cause = new Error('row missing')
  const told = fault(getUser, 'not_found', { message: 'no such user', reason: 'gone', details: { id: 'a' }, cause })
  expect(told).toMatchObject({ message: 'no such user', reason: 'gone', details: { id: 'a' }, cause })
})
