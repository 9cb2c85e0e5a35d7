import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ContractError } from '../error/setup-error.ts'
import { contract, contractInfo, isContract } from './contract.ts'
import type { OperationSpec } from './operation.ts'
import { stream } from './stream.ts'

const Id = Type.Object({ userId: Type.String() })
const User = Type.Object({ userId: Type.String(), name: Type.String(), age: Type.Optional(Type.Integer()) })

/** What `contract()` says of an operation, however wrong its types are. */
function problemsOf(spec: object, name = 'getUser') {
  const loose: (name: string, operations: Record<string, OperationSpec>) => unknown = contract as never
  try {
    loose('shop.user.v1.UserService', { [name]: { input: Id, output: User, ...spec } as OperationSpec })
    return []
  } catch (error) {
    if (!(error instanceof ContractError)) throw error
    return error.problems.map(({ code, message }) => [code, message.replace('shop.user.v1.UserService/', '')])
  }
}

describe('contract', () => {
  it('hands on what fixes its protobuf form: one file for all, or a descriptor each', () => {
    const operations = { getUser: { input: Id, output: User }, findUser: { input: Id, output: User } }
    const file = new URL('file:///user.proto')
    const locked = contract('a.A', operations, { proto: file })
    expect([locked.getUser.proto, locked.findUser.proto]).toEqual([file, file])
    const method = { kind: 'rpc' }
    const described = contract('a.A', operations, { proto: { getUser: method } })
    expect([described.getUser.proto, described.findUser.proto]).toEqual([method, undefined])
  })

  it('makes frozen data out of each operation', () => {
    const users = contract('shop.user.v1.UserService', {
      renameUser: {
        input: Type.Object({ userId: Type.String(), name: Type.String(), dryRun: Type.Boolean() }),
        output: User,
        errors: ['not_found'],
        http: { route: 'PATCH /v1/users/:userId', status: 202, query: ['dryRun'] },
        queue: { topic: 'shop.user.rename.v1', key: 'userId', group: 'user' },
        access: { roles: ['admin'] },
        timeoutMs: 500,
        summary: 'Renames a user.',
        deprecated: true,
      },
      watchUsers: { input: Type.Object({}), output: stream(User), grpc: false },
    })
    expect(users.renameUser).toMatchObject({
      id: 'shop.user.v1.UserService/renameUser',
      contract: 'shop.user.v1.UserService',
      name: 'renameUser',
      kind: 'unary',
      errors: ['not_found'],
      http: {
        method: 'PATCH',
        path: '/v1/users/:userId',
        parameters: ['userId'],
        status: 202,
        query: ['dryRun'],
        hasBody: true,
      },
      queue: { topic: 'shop.user.rename.v1', key: 'userId', group: 'user' },
      grpc: true,
      access: { roles: ['admin'] },
      timeoutMs: 500,
      idempotency: 'none',
      summary: 'Renames a user.',
      deprecated: true,
    })
    expect(users.watchUsers).toMatchObject({
      kind: 'server_stream',
      outputSchema: User,
      errors: [],
      http: undefined,
      queue: undefined,
      grpc: false,
      deprecated: false,
    })
    expect(contractInfo(users)).toEqual({
      name: 'shop.user.v1.UserService',
      operations: [users.renameUser, users.watchUsers],
    })
    for (const part of [users, users.renameUser, users.renameUser.http, users.renameUser.queue])
      expect(Object.isFrozen(part)).toBe(true)
  })

  it('reads the fields that are not in the path from the query of a GET', () => {
    const { http } = contract('a.A', { find: { input: User, output: User, http: 'GET /v1/users/:userId' } }).find
    expect(http).toMatchObject({ query: ['name', 'age'], hasBody: false, status: 200 })
  })

  it.each([
    ['GET', 'safe'],
    ['PUT', 'idempotent'],
    ['DELETE', 'idempotent'],
    ['POST', 'none'],
    ['PATCH', 'none'],
  ] as const)('takes a %s for %s unless told otherwise', (method, expected) => {
    const spec = { input: Id, output: User, http: `${method} /v1/users/:userId` as const }
    const { plain, told } = contract('a.A', { plain: spec, told: { ...spec, idempotency: 'idempotent' } })
    expect(plain.idempotency).toBe(expected)
    expect(told.idempotency).toBe('idempotent')
  })

  it('recognises contracts, and nothing else', () => {
    expect(isContract(contract('a.A', {}))).toBe(true)
    for (const other of [undefined, null, {}, 'a.A', contractInfo(contract('a.A', {}))])
      expect(isContract(other)).toBe(false)
  })

  it('takes schemas of Standard Schema libraries', () => {
    const { get } = contract('a.A', { get: { input: z.object({ id: z.uuid() }), output: stream(z.string()) } })
    expect(get.inputJsonSchema).toMatchObject({ type: 'object', required: ['id'] })
    expect(get.outputJsonSchema).toMatchObject({ type: 'string' })
  })

  it.each(['UserService', 'shop.user.v1.userService', 'Shop.User', 'shop..User', 'shop.user.v1.User/Service', ''])(
    'refuses the contract name %j',
    (name) => {
      expect(() => contract(name, {})).toThrow(
        new ContractError([
          { code: 'contract.name', message: `contract "${name}": expected a name such as shop.user.v1.UserService` },
        ]),
      )
    },
  )

  it('reports all problems at once', () => {
    const faulty = problemsOf({ http: 'GET /v1/users/:id', timeoutMs: 0, queue: { topic: 'Up', key: 'id' } }, 'GetUser')
    expect(faulty.map(([code]) => code)).toEqual([
      'contract.name',
      'contract.setting',
      'contract.route',
      'contract.name',
      'contract.queue',
    ])
  })

  it.each<[what: string, spec: object, problem: readonly (readonly [code: string, message: string])[]]>([
    [
      'a parameter that is no field',
      { http: 'GET /v1/users/:id' },
      [['contract.route', 'operation getUser: route "GET /v1/users/:id": "id" is no field of the input']],
    ],
    [
      'a parameter that is an object',
      { input: Type.Object({ userId: Id }), http: 'GET /v1/users/:userId' },
      [
        [
          'contract.route',
          'operation getUser: route "GET /v1/users/:userId": field "userId" cannot be read from text: type "object"',
        ],
      ],
    ],
    [
      'a parameter that is a list',
      { input: Type.Object({ userId: Type.Array(Type.String()) }), http: 'GET /v1/users/:userId' },
      [
        [
          'contract.route',
          'operation getUser: route "GET /v1/users/:userId": field "userId" cannot be read from text: type "array"',
        ],
      ],
    ],
    [
      'an object in the query of a GET',
      { input: Type.Object({ filter: Type.Object({}) }), http: 'GET /v1/users' },
      [
        [
          'contract.route',
          'operation getUser: route "GET /v1/users": field "filter" cannot be read from text: type "object"',
        ],
      ],
    ],
    [
      'a list of lists in the query',
      { input: Type.Object({ ids: Type.Array(Type.Array(Type.String())) }), http: 'GET /v1/users' },
      [
        [
          'contract.route',
          'operation getUser: route "GET /v1/users": field "ids" cannot be read from text: type "array"',
        ],
      ],
    ],
    [
      'a query field that is null or text',
      { input: z.object({ q: z.string().nullable() }), http: 'GET /v1/users' },
      [
        [
          'contract.route',
          'operation getUser: route "GET /v1/users": field "q" cannot be read from text: no single type',
        ],
      ],
    ],
    [
      'a stray name in query',
      { http: { route: 'POST /v1/users', query: ['dryRun'] } },
      [['contract.route', 'operation getUser: route "POST /v1/users": "dryRun" is no field of the input']],
    ],
    [
      'a stray name in the query of a GET',
      { http: { route: 'GET /v1/users/:userId', query: ['dryRun'] } },
      [['contract.route', 'operation getUser: route "GET /v1/users/:userId": "dryRun" is no field of the input']],
    ],
    [
      'a field in path and query',
      { http: { route: 'POST /v1/users/:userId', query: ['userId'] } },
      [
        [
          'contract.route',
          'operation getUser: route "POST /v1/users/:userId": field "userId" is in the path and in query',
        ],
      ],
    ],
    [
      'a status of failure',
      { http: { route: 'POST /v1/users', status: 404 } },
      [
        [
          'contract.route',
          'operation getUser: route "POST /v1/users": status must be from 200 to 299, or 301, 302, 303, 307 or 308, found 404',
        ],
      ],
    ],
    [
      'a route without a verb',
      { http: '/v1/users' },
      [
        [
          'contract.route',
          'operation getUser: route "/v1/users": expected one of GET, POST, PUT, PATCH, DELETE before the path',
        ],
      ],
    ],
    [
      'an input that is no object',
      { input: Type.String() },
      [['contract.schema', 'operation getUser: input must be an object schema, found type "string"']],
    ],
    [
      'an input that is a union',
      { input: Type.Union([Id, User]), http: 'GET /v1/users', queue: { topic: 'a.b', key: 'userId' } },
      [['contract.schema', 'operation getUser: input must be an object schema, found no single type']],
    ],
    [
      'an input that is no schema',
      { input: { type: 'object' } },
      [['contract.schema', 'operation getUser: input cannot be used: expected a TypeBox schema or a Standard Schema']],
    ],
    [
      'an output that JSON Schema cannot express',
      { output: z.object({ at: z.date() }) },
      [
        [
          'contract.schema',
          'operation getUser: output: /properties/at cannot be used: date is nothing that JSON has; use text with the format date-time',
        ],
      ],
    ],
    [
      'a library without JSON Schema',
      { output: { '~standard': { version: 1, vendor: 'acme', validate: () => ({ value: 1 }) } } },
      [
        [
          'contract.schema',
          'operation getUser: output cannot be used: this acme schema has no JSON Schema (~standard.jsonSchema)',
        ],
      ],
    ],
    [
      'a topic in capitals',
      { queue: { topic: 'Shop.User', key: 'userId' } },
      [
        [
          'contract.name',
          'operation getUser: expected a topic of lower-case words joined by dots, such as shop.order.placed.v1, found "Shop.User"',
        ],
      ],
    ],
    [
      'a queue key that is no field',
      { queue: { topic: 'shop.user', key: 'id' } },
      [['contract.queue', 'operation getUser: key "id" must name a text field, found no such field']],
    ],
    [
      'a queue key that is a number',
      { input: Type.Object({ id: Type.Integer() }), queue: { topic: 'shop.user', key: 'id' } },
      [['contract.queue', 'operation getUser: key "id" must name a text field, found type "integer"']],
    ],
    [
      'a command that answers with a stream',
      { output: stream(User), queue: { topic: 'shop.user', key: 'userId' } },
      [['contract.queue', 'operation getUser: an operation with a stream cannot be a command on a queue']],
    ],
    ...[0, -1, Number.NaN, 3_600_001].map((timeoutMs): [string, object, [string, string][]] => [
      `timeoutMs ${timeoutMs}`,
      { timeoutMs },
      [['contract.setting', `operation getUser: timeoutMs must be from 1 to 3600000, found ${timeoutMs}`]],
    ]),
    [
      'a path that names no field of the items of an input stream',
      { input: stream(Type.Object({ id: Type.String() })), http: 'POST /v1/users/:userId' },
      [['contract.route', 'operation getUser: route "POST /v1/users/:userId": "userId" is no field of the input']],
    ],
    ...['GET', 'DELETE'].map((method): [string, object, [string, string][]] => [
      `an input stream with ${method}`,
      { input: stream(User), http: `${method} /v1/users` },
      [
        [
          'contract.route',
          `operation getUser: route "${method} /v1/users": an input stream is the body of the request: expected POST, PUT or PATCH`,
        ],
      ],
    ]),
    [
      'an unknown error code',
      { errors: ['not_found', 'gone'] },
      [['contract.setting', 'operation getUser: "gone" in errors is no error code']],
    ],
    [
      'an access rule that names nobody',
      { access: { roles: [] } },
      [['contract.setting', 'operation getUser: access.roles must name at least one, as a list of texts']],
    ],
    [
      'an access rule that demands nothing',
      { access: { scopes: [] } },
      [['contract.setting', 'operation getUser: access.scopes must name at least one, as a list of texts']],
    ],
  ])('refuses %s', (_what, spec, expected) => {
    expect(problemsOf(spec)).toEqual(expected)
  })

  it.each(['GetUser', 'get-user', 'get_user', '1st', ''])('refuses the operation name %j', (name) => {
    expect(problemsOf({}, name)).toEqual([['contract.name', `operation ${name}: expected a name such as getUser`]])
  })

  it('refuses an operation named then, which would make its client a promise', () => {
    expect(problemsOf({}, 'then')).toEqual([['contract.name', 'operation then: an operation cannot be named then']])
  })
})
