import Type, { type Static } from 'typebox'
import { describe, expect, it } from 'vitest'
import { contract, contractInfo } from '../contract/contract.ts'
import { event } from '../contract/event.ts'
import { ContractError } from '../error/setup-error.ts'
import { defineConsumer, defineHandler } from './define-handler.ts'
import { constructHandler } from './handler-definition.ts'

const Id = Type.Object({ id: Type.String() })
const users = contract('shop.UserService', { getUser: { input: Id, output: Id }, addUser: { input: Id, output: Id } })
const created = event('shop.user.created.v1', { key: 'id', payload: Id })

type Id = Static<typeof Id>

describe('defineHandler', () => {
  it('makes the same definition as a class, and constructs nothing by itself', () => {
    let madeCount = 0
    const definition = defineHandler(users, () => {
      madeCount += 1
      return {
        getUser(this: { addUser: (input: Id) => Id }, { id }) {
          return this.addUser({ id })
        },
        addUser: ({ id }) => ({ id: `${id}!` }),
      }
    })
    expect(definition).toMatchObject({
      name: 'shop.UserService',
      contracts: [contractInfo(users)],
      operations: [
        { operation: users.getUser, member: 'getUser', interceptors: [] },
        { operation: users.addUser, member: 'addUser', interceptors: [] },
      ],
      consumers: [],
      interceptors: [],
    })
    expect(madeCount).toBe(0)
    expect(constructHandler(definition).member('getUser')({ id: 'a' }, {} as never)).toEqual({ id: 'a!' })
    expect(madeCount).toBe(1)
  })

  it('implements a part, with interceptors around it', () => {
    const around = () => Promise.resolve(1)
    const { operations } = defineHandler(users, () => ({ getUser: ({ id }) => ({ id }) }), {
      only: ['getUser'],
      interceptors: [around],
    })
    expect(operations).toEqual([
      {
        operation: users.getUser,
        member: 'getUser',
        serving: { access: undefined, policy: undefined, maxConcurrentCalls: undefined },
        interceptors: [around],
      },
    ])
  })

  it('names the operations whose methods are missing', () => {
    const make = (() => ({ addUser: 'no function' })) as never
    expect(() => constructHandler(defineHandler(users, make))).toThrow(
      new ContractError([
        {
          code: 'handler.missing_operation',
          message: 'defineHandler(shop.UserService): no method implements shop.UserService/getUser',
        },
        {
          code: 'handler.missing_operation',
          message: 'defineHandler(shop.UserService): no method implements shop.UserService/addUser',
        },
      ]),
    )
  })

  it('names what `only` misspells', () => {
    expect(() => defineHandler(users, () => ({}) as never, { only: ['getuser' as 'getUser'] })).toThrow(
      new ContractError([
        {
          code: 'handler.unknown_operation',
          message: 'defineHandler(shop.UserService): names "getuser", which is no operation of shop.UserService',
        },
      ]),
    )
  })
})

describe('defineConsumer', () => {
  it('makes a definition that consumes one event', async () => {
    const seen: string[] = []
    const definition = defineConsumer(
      created,
      () =>
        async ({ id }) =>
          void seen.push(id),
      { group: 'audit' },
    )
    expect(definition).toMatchObject({
      name: 'consumer of shop.user.created.v1',
      contracts: [],
      operations: [],
      consumers: [{ event: created, group: 'audit', interceptors: [] }],
    })
    const { member } = definition.consumers[0] ?? { member: '' }
    await constructHandler(definition).member(member)({ id: 'a' }, {} as never)
    expect(seen).toEqual(['a'])
  })
})
