import Type from 'typebox'
import { expect, it } from 'vitest'
import { contract } from '../contract/contract.ts'
import { ContractError } from '../error/setup-error.ts'
import { defineHandler } from './define-handler.ts'
import { toHandlerDefinition } from './handler-class.ts'
import { Handles } from './handles.ts'
import { Implements } from './implements.ts'
import { toServing } from './serving-options.ts'

const Id = Type.Object({ id: Type.String() })
const users = contract('shop.UserService', { getUser: { input: Id, output: Id }, addUser: { input: Id, output: Id } })
const echo = (input: { readonly id: string }) => ({ id: input.id })

it('a class says who may call its methods, and a method says it for itself', () => {
  const isSelf = () => true

  @Handles(users, { access: { roles: ['admin'] } })
  class UserHandler {
    @Implements(users.getUser, { access: 'authenticated', policy: isSelf, maxConcurrentCalls: 3 })
    get(input: { readonly id: string }) {
      return echo(input)
    }

    @Implements(users.addUser)
    add(input: { readonly id: string }) {
      return echo(input)
    }
  }
  expect(toHandlerDefinition(UserHandler).operations.map(({ serving }) => serving)).toEqual([
    { access: 'authenticated', policy: isSelf, maxConcurrentCalls: 3 },
    { access: { roles: ['admin'] }, policy: undefined, maxConcurrentCalls: undefined },
  ])
})

it('so does a handler without decorators', () => {
  const { operations } = defineHandler(users, () => ({ getUser: echo, addUser: echo }), {
    access: 'authenticated',
    operations: { addUser: { access: 'public', maxConcurrentCalls: 1 } },
  })
  expect(operations.map(({ serving }) => serving)).toEqual([
    { access: 'authenticated', policy: undefined, maxConcurrentCalls: undefined },
    { access: 'public', policy: undefined, maxConcurrentCalls: 1 },
  ])
})

it.each([
  [{ maxConcurrentCalls: 0 }, 'maxConcurrentCalls must be a whole number above 0, found 0'],
  [
    { criticality: 'high' as 'critical' },
    'criticality must be one of critical_plus, critical, sheddable_plus, sheddable, found high',
  ],
  [{ maxConcurrentCalls: 1.5 }, 'maxConcurrentCalls must be a whole number above 0, found 1.5'],
  [{ access: 'admin' as never }, /access must be 'public', .*found "admin"/],
  [{ policy: true as never }, 'policy must be a function'],
])('%j is refused by name', (options, message) => {
  expect(() => toServing('getUser', options)).toThrow(message)
})

it('a rule of a class that is not understood, and a setting of an unknown operation, are refused', () => {
  expect(() => Handles(users, { access: { roles: [] } })).toThrow(ContractError)
  const make = () => ({ getUser: echo, addUser: echo })
  expect(() => defineHandler(users, make, { operations: { getuser: {} } as never })).toThrow(
    'names "getuser", which is no operation of shop.UserService',
  )
})
