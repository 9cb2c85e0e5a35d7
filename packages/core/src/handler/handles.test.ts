import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import type { Interceptor } from '../call/rule/interceptor.ts'
import { contract, contractInfo } from '../contract/contract.ts'
import { event } from '../contract/event.ts'
import { ContractError } from '../error/setup-error.ts'
import { Consumes } from './consumes.ts'
import { toHandlerDefinition } from './handler-class.ts'
import { constructHandler } from './handler-definition.ts'
import { Handles } from './handles.ts'
import { Implements } from './implements.ts'
import { Intercepts } from './intercepts.ts'

const Id = Type.Object({ id: Type.String() })
const users = contract('shop.UserService', { getUser: { input: Id, output: Id }, addUser: { input: Id, output: Id } })
const notes = contract('shop.NoteService', { getNote: { input: Id, output: Id } })
const created = event('shop.user.created.v1', { key: 'id', payload: Id })

type Body = { readonly id: string }

function problemsOf(define: () => unknown) {
  try {
    define()
    return []
  } catch (error) {
    if (!(error instanceof ContractError)) throw error
    return error.problems.map(({ code, message }) => [code, message])
  }
}

describe('@Handles', () => {
  it('makes a definition of a class and finds its methods on an instance', () => {
    @Handles(users)
    class UserHandler {
      readonly #suffix = '!'

      @Implements(users.getUser)
      get({ id }: Body) {
        return { id: id + this.#suffix }
      }

      @Implements(users.addUser)
      async add({ id }: Body) {
        return { id }
      }
    }
    const definition = toHandlerDefinition(UserHandler)
    expect(definition).toMatchObject({
      name: 'UserHandler',
      contracts: [contractInfo(users)],
      operations: [
        { operation: users.getUser, member: 'get', interceptors: [] },
        { operation: users.addUser, member: 'add', interceptors: [] },
      ],
      consumers: [],
      interceptors: [],
    })
    expect(constructHandler(definition).member('get')({ id: 'a' }, {} as never)).toEqual({ id: 'a!' })
    expect(toHandlerDefinition(definition)).toBe(definition)
  })

  it('handles several contracts, parts of one, and events beside them', () => {
    @Handles(users, notes)
    class All {
      @Implements(users.getUser) getUser({ id }: Body) {
        return { id }
      }
      @Implements(users.addUser) addUser({ id }: Body) {
        return { id }
      }
      @Implements(notes.getNote) getNote({ id }: Body) {
        return { id }
      }
      @Consumes(created, { group: 'audit' }) onCreated(_payload: Body) {}
    }
    @Handles(users, { only: ['getUser'] })
    class Part {
      @Implements(users.getUser) getUser({ id }: Body) {
        return { id }
      }
    }
    expect(toHandlerDefinition(All).operations.map(({ operation }) => operation.name)).toEqual([
      'getUser',
      'addUser',
      'getNote',
    ])
    expect(toHandlerDefinition(All).consumers).toEqual([
      {
        event: created,
        group: 'audit',
        isBroadcast: false,
        start: undefined,
        delivery: {},
        member: 'onCreated',
        interceptors: [],
      },
    ])
    expect(toHandlerDefinition(Part).operations).toHaveLength(1)
  })

  it('needs no class decorator for a class that only consumes', () => {
    class Listener {
      @Consumes(created) onCreated(_payload: Body) {}
    }
    expect(toHandlerDefinition(Listener).consumers).toMatchObject([{ event: created, group: undefined }])
  })

  it('names class and operation when a member is left out', () => {
    expect(
      problemsOf(() => {
        @Handles(users)
        class UserHandler {
          @Implements(users.addUser) addUser({ id }: Body) {
            return { id }
          }
        }
        return UserHandler
      }),
    ).toEqual([
      [
        'handler.missing_operation',
        'class UserHandler handles shop.UserService/getUser but no member implements it: add a method with @Implements',
      ],
    ])
  })

  it('names class, members and operation when two members implement one operation', () => {
    expect(
      problemsOf(() => {
        @Handles(notes)
        class NoteHandler {
          @Implements(notes.getNote) one({ id }: Body) {
            return { id }
          }
          @Implements(notes.getNote) other({ id }: Body) {
            return { id }
          }
        }
        return NoteHandler
      }),
    ).toEqual([
      ['handler.duplicate_operation', 'class NoteHandler: one and other both implement shop.NoteService/getNote'],
    ])
  })

  it('names class, member and operation when no call could reach the member', () => {
    const hidden = Symbol('hidden')
    expect(
      problemsOf(() => {
        @Handles(users, notes)
        class UserHandler {
          @Implements(users.getUser) static getUser({ id }: Body) {
            return { id }
          }
          @Implements(users.addUser) #addUser({ id }: Body) {
            return { id }
          }
          @Implements(notes.getNote) [hidden]({ id }: Body) {
            return { id }
          }
          @Consumes(created) static onCreated(_payload: Body) {}
          use() {
            return this.#addUser
          }
        }
        return UserHandler
      }),
    ).toEqual([
      [
        'handler.member',
        'class UserHandler: getUser is static and cannot serve shop.UserService/getUser: make it a public method',
      ],
      [
        'handler.member',
        'class UserHandler: #addUser is private and cannot serve shop.UserService/addUser: make it a public method',
      ],
      [
        'handler.member',
        'class UserHandler: Symbol(hidden) is computed and cannot serve shop.NoteService/getNote: make it a public method',
      ],
      [
        'handler.member',
        'class UserHandler: onCreated is static and cannot serve shop.user.created.v1: make it a public method',
      ],
    ])
  })

  it('names class, member and operation when the contract is not handled', () => {
    const expected = (name: string) => [
      'handler.unknown_operation',
      `class ${name}: getNote implements shop.NoteService/getNote, which the class does not handle: name its contract in @Handles`,
    ]
    class Bare {
      @Implements(notes.getNote) getNote({ id }: Body) {
        return { id }
      }
    }
    expect(problemsOf(() => toHandlerDefinition(Bare))).toEqual([expected('Bare')])
    const unnamed = () =>
      Handles(users, { only: [] })(
        class {
          @Implements(notes.getNote) getNote({ id }: Body) {
            return { id }
          }
        },
        { kind: 'class', name: undefined, metadata: Bare[Symbol.metadata] ?? {}, addInitializer: () => undefined },
      )
    expect(problemsOf(unnamed)).toEqual([expected('(anonymous class)')])
  })

  it('names what `only` misspells', () => {
    expect(
      problemsOf(() => {
        @Handles(users, { only: ['getuser' as 'getUser'] })
        class UserHandler {}
        return UserHandler
      }),
    ).toEqual([
      ['handler.unknown_operation', 'class UserHandler: names "getuser", which is no operation of shop.UserService'],
    ])
  })

  it('refuses a class without any of our decorators', () => {
    class Plain {}
    expect(problemsOf(() => toHandlerDefinition(Plain))).toEqual([
      [
        'handler.unknown_operation',
        'class Plain is no handler: give it @Handles(contract) or a method with @Consumes or @Runs',
      ],
    ])
  })
})

describe('inheritance', () => {
  class Base {
    @Implements(users.getUser) getUser({ id }: Body): Body {
      return { id: `base ${id}` }
    }
    @Consumes(created) onCreated(_payload: Body): void {}
  }

  it('passes decorated members on to a derived class, and leaves the base class as it was', () => {
    @Handles(users)
    class Derived extends Base {
      @Implements(users.addUser) addUser({ id }: Body) {
        return { id }
      }
    }
    const derived = toHandlerDefinition(Derived)
    const { operations, consumers } = derived
    expect(operations.map(({ member }) => member)).toEqual(['getUser', 'addUser'])
    expect(consumers).toHaveLength(1)
    expect(constructHandler(derived).member('getUser')({ id: 'a' }, {} as never)).toEqual({ id: 'base a' })
    expect(problemsOf(() => toHandlerDefinition(Base))).toMatchObject([['handler.unknown_operation', {}]])
    class Further extends Derived {}
    expect(toHandlerDefinition(Further)).toMatchObject({ name: 'Further', operations: [{}, {}] })
  })

  it('lets a member take the place of the one it overrides, decorated again or not', () => {
    @Handles(users, { only: ['getUser'] })
    class Again extends Base {
      @Implements(users.getUser) override getUser({ id }: Body) {
        return { id: `again ${id}` }
      }
      @Consumes(created, { group: 'other' }) override onCreated() {}
    }
    @Handles(users, { only: ['getUser'] })
    class Plain extends Base {
      override getUser({ id }: Body) {
        return { id: `plain ${id}` }
      }
    }
    const again = toHandlerDefinition(Again)
    expect(again.operations).toHaveLength(1)
    expect(again.consumers).toMatchObject([{ group: 'other' }])
    expect(constructHandler(again).member('getUser')({ id: 'a' }, {} as never)).toEqual({ id: 'again a' })
    expect(constructHandler(toHandlerDefinition(Plain)).member('getUser')({ id: 'a' }, {} as never)).toEqual({
      id: 'plain a',
    })
  })

  it('counts a contract once that base and derived class both handle', () => {
    @Handles(notes)
    class One {
      @Implements(notes.getNote) getNote({ id }: Body) {
        return { id }
      }
    }
    @Handles(notes)
    class Two extends One {}
    expect(toHandlerDefinition(Two).operations).toHaveLength(1)
  })
})

describe('@Intercepts', () => {
  const named =
    (_name: string): Interceptor =>
    (_call, next) =>
      next()
  const [outer, inner, method, deepest] = ['outer', 'inner', 'method', 'deepest'].map(named) as [
    Interceptor,
    Interceptor,
    Interceptor,
    Interceptor,
  ]

  it('puts those of the class around those of the method, outermost first', () => {
    @Intercepts(outer)
    @Intercepts(inner)
    @Handles(users)
    class UserHandler {
      @Intercepts(method, deepest)
      @Implements(users.getUser)
      getUser({ id }: Body) {
        return { id }
      }
      @Implements(users.addUser) addUser({ id }: Body) {
        return { id }
      }
      @Consumes(created) @Intercepts(method) onCreated(_payload: Body) {}
    }
    const { operations, consumers } = toHandlerDefinition(UserHandler)
    expect(operations.map(({ interceptors }) => interceptors)).toEqual([
      [outer, inner, method, deepest],
      [outer, inner],
    ])
    expect(consumers.map(({ interceptors }) => interceptors)).toEqual([[outer, inner, method]])
  })
})
