import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ContractError } from '../error/setup-error.ts'
import { bytes } from '../schema/native/bytes.ts'
import { contract, contractInfo } from './contract.ts'
import type { HttpBinding } from './http-binding.ts'
import type { OperationSpec } from './operation.ts'
import { rawInputOf } from './raw-body.ts'
import { stream } from './stream.ts'

const fields = {
  userId: Type.String(),
  tenantId: Type.Optional(Type.String()),
  tags: Type.Optional(Type.Array(Type.String())),
  version: Type.Optional(Type.Integer()),
  home: Type.Optional(Type.Object({ city: Type.String() })),
}
const input = Type.Object(fields)
const { home: _home, ...texts } = fields
const output = Type.Object({
  version: Type.Integer(),
  at: Type.String(),
  url: Type.Optional(Type.String()),
  data: Type.Optional(bytes()),
  isNew: Type.Boolean(),
})

function build(http: Partial<HttpBinding>, spec: Partial<OperationSpec> = {}) {
  const run = { input, output, ...spec, http: { route: 'PUT /v1/users/:userId', ...http } }
  const [operation] = contractInfo(contract('demo.v1.Users', { run } as never)).operations
  if (operation?.http === undefined) throw new Error('it has no route')
  return { operation, http: operation.http }
}

function problemsOf(http: Partial<HttpBinding>, spec?: Partial<OperationSpec>): readonly string[] {
  try {
    build(http, spec)
    return []
  } catch (error) {
    if (error instanceof ContractError) return error.problems.map(({ message }) => message.replace(/^.*?": /, ''))
    throw error
  }
}

describe('several routes', () => {
  it('lead to one operation; its own data are those of the first', () => {
    const route = ['GET /v1/users/:userId', 'GET /v1/tenants/:tenantId/users/:userId'] as const
    const { http, operation } = build({ route }, { input: Type.Object(texts) })
    expect(http).toMatchObject({ method: 'GET', path: '/v1/users/:userId', parameters: ['userId'], hasBody: false })
    expect(http.routes.map(({ path, query }) => [path, query])).toEqual([
      ['/v1/users/:userId', ['tenantId', 'tags', 'version']],
      ['/v1/tenants/:tenantId/users/:userId', ['tags', 'version']],
    ])
    expect(operation.idempotency).toBe('safe')
  })

  it('are one where a text is given', () => {
    const { http } = build({})
    expect(http.routes).toEqual([
      expect.objectContaining({ method: 'PUT', path: '/v1/users/:userId', query: [], hasBody: true }),
    ])
    expect(http).toMatchObject({ headers: [], cookies: [], body: undefined, location: undefined, etag: undefined })
  })

  it('are each checked, and named with what is wrong', () => {
    const make = () =>
      build({ route: ['POST /v1/users/:userId', 'POST /v1/people/:id' as never, 'PUT nowhere' as never] })
    expect(make).toThrow(/route "POST \/v1\/people\/:id": "id" is no field of the input/)
    expect(make).toThrow(/route "PUT nowhere": expected one path/)
    expect(problemsOf({ route: ['POST /v1/users/:userId', 'POST /v1/users/:userId'] })).toEqual([
      'the route "POST /v1/users/:userId" is listed twice',
    ])
    expect(problemsOf({ route: [] })).toEqual(['expected a verb and a path such as GET /v1/users/:userId'])
  })
})

describe('fields in headers and cookies', () => {
  it('are taken from the query of a GET and from the body of other verbs', () => {
    const headers = { tags: 'x-tags', version: 'if-match' }
    const cookies = { tenantId: 'tenant' }
    const { http } = build({ headers, cookies })
    expect(http).toMatchObject({
      query: [],
      headers: [
        { field: 'tags', name: 'x-tags' },
        { field: 'version', name: 'if-match' },
      ],
      cookies: [{ field: 'tenantId', name: 'tenant' }],
    })
    const get = build({ route: 'GET /v1/users/:userId', headers, cookies }, { input: Type.Object(texts) })
    expect(get.http.query).toEqual([])
    expect([http.headers, http.headers[0], http.cookies].every(Object.isFrozen)).toBe(true)
  })

  it('may be fields of the items of an input stream', () => {
    expect(build({ headers: { tenantId: 'x-tenant' } }, { input: stream(input) }).http.headers).toHaveLength(1)
  })

  it.each<[Partial<HttpBinding>, string]>([
    [{ headers: { id: 'x-id' } }, '"id" in headers.id is no field of the input'],
    [{ headers: { home: 'x-home' } }, 'field "home" cannot be read from text: type "object"'],
    [
      { headers: { tenantId: 'X-Tenant' } },
      'headers.tenantId must be the lower-case name of a header, found "X-Tenant"',
    ],
    [
      { headers: { tenantId: 'x tenant' } },
      'headers.tenantId must be the lower-case name of a header, found "x tenant"',
    ],
    [{ headers: { tenantId: 1 as never } }, 'headers.tenantId must be the lower-case name of a header, found 1'],
    ...[
      'content-length',
      'transfer-encoding',
      'host',
      'x-request-timeout-ms',
      'traceparent',
      'cookie',
      'authorization',
    ].map((name): [Partial<HttpBinding>, string] => [
      { headers: { tenantId: name } },
      `headers.tenantId must not be "${name}", which is the transport's own; take a header of your own`,
    ]),
    [{ cookies: { id: 'id' } }, '"id" in cookies.id is no field of the input'],
    [{ cookies: { tags: 'tags' } }, 'field "tags" cannot be read from text: type "array"'],
    [{ cookies: { tenantId: 'a=b' } }, 'cookies.tenantId must be the name of a cookie, found "a=b"'],
    [{ headers: { userId: 'x-user' } }, 'field "userId" is in the path and in headers'],
    [{ cookies: { userId: 'user' } }, 'field "userId" is in the path and in cookies'],
    [{ headers: { tenantId: 'x-t' }, cookies: { tenantId: 't' } }, 'field "tenantId" is in headers and in cookies'],
    [{ headers: { tenantId: 'x-t' }, query: ['tenantId'] }, 'field "tenantId" is in headers and in query'],
    [{ headers: { tenantId: 'x-t', version: 'x-t' } }, 'header "x-t" is given to "tenantId" and "version"'],
    [{ cookies: { tenantId: 't', version: 't' } }, 'cookie "t" is given to "tenantId" and "version"'],
  ])('%j is refused', (http, message) => {
    expect(problemsOf(http)).toEqual([message])
  })

  it('carry a version that may be missing', () => {
    const required = Type.Object({ userId: Type.String(), version: Type.Integer() })
    expect(problemsOf({ headers: { version: 'if-match' } }, { input: required })).toEqual([
      'field "version" must be optional, because "*" and no header are no version',
    ])
    const flag = Type.Object({ userId: Type.String(), version: Type.Optional(Type.Boolean()) })
    expect(problemsOf({ headers: { version: 'if-match' } }, { input: flag })).toEqual([
      'headers.version must be text or a whole number, found type "boolean"',
    ])
    const library = z.object({ userId: z.string(), version: z.int().optional() })
    expect(problemsOf({ headers: { version: 'if-match' } }, { input: library })).toEqual([])
    expect(problemsOf({ headers: { version: 'if-none-match' } })).toEqual([])
    expect(
      problemsOf(
        { route: 'GET /v1/users/:userId', headers: { version: 'if-none-match' } },
        { input: Type.Object(texts) },
      ),
    ).toEqual([
      'headers.version must not be "if-none-match" on a GET, where the transport answers it; name the version in etag',
    ])
  })
})

describe('a field that is the body', () => {
  it('leaves all others to the query', () => {
    const { http } = build({ body: 'home', headers: { version: 'if-match' } })
    expect(http).toMatchObject({ body: 'home', query: ['tenantId', 'tags'], hasBody: true })
  })

  it('is the raw body where it is bytes with a media type', () => {
    const photo = bytes({ mediaType: 'image/png' })
    const { operation } = build({ body: 'photo' }, { input: Type.Object({ ...texts, photo }) })
    expect(rawInputOf(operation)).toEqual({ name: 'photo', mediaType: 'image/png' })
    const headers = { tenantId: 'x-t', tags: 'x-tags', version: 'if-match' }
    const alone = build({ headers }, { input: Type.Object({ ...texts, photo }) })
    expect(rawInputOf(alone.operation)).toEqual({ name: 'photo', mediaType: 'image/png' })
  })

  it('differs from route to route where one has it in its path', () => {
    const photo = bytes({ mediaType: 'image/png' })
    const route = ['POST /v1/photos', 'PUT /v1/photos/:name'] as const
    const { operation, http } = build({ route }, { input: Type.Object({ name: Type.Optional(Type.String()), photo }) })
    expect(http.routes.map((one) => rawInputOf(operation, one)?.name)).toEqual([undefined, 'photo'])
  })

  it.each<[Partial<HttpBinding>, Partial<OperationSpec>, string]>([
    [{ body: 'user' }, {}, '"user" in body is no field of the input'],
    [{ body: 'userId' }, {}, 'field "userId" is in the path and in body'],
    [{ body: 'home', query: ['home'] }, {}, 'field "home" cannot be read from text: type "object"'],
    [{ body: 'tags', headers: { tags: 'x-tags' } }, {}, 'field "tags" is in headers and in body'],
    [{ body: 'tags' }, {}, 'field "home" cannot be read from text: type "object"'],
    [
      { body: 'tags', route: 'GET /v1/users/:userId' },
      { input: Type.Object(texts) },
      'body needs a verb that has one: expected POST, PUT or PATCH',
    ],
    [
      { body: 'tags' },
      { input: stream(Type.Object(texts)) },
      'an input stream is the body of the request, and has no field for it',
    ],
  ])('%j is refused', (http, spec, message) => {
    expect(problemsOf(http, spec)).toContain(message)
  })
})

describe('status, location and etag', () => {
  it.each([200, 201, 202, 299, 301, 302, 303, 307, 308])('%d is a status', (status) => {
    const hasLocation = status > 299 || status === 201
    const only = status > 299 ? { output: Type.Object({ at: Type.String(), note: Type.Optional(Type.String()) }) } : {}
    expect(build({ status, ...(hasLocation && { location: 'at' }) }, only).http.status).toBe(status)
  })

  it.each([204, 205])('%d is a status where nothing must be told', (status) => {
    const optional = Type.Object({ at: Type.Optional(Type.String()) })
    for (const nothing of [Type.Void(), Type.Unknown(), Type.Object({}), optional])
      expect(problemsOf({ status }, { output: nothing })).toEqual([])
    expect(problemsOf({ status })).toEqual([
      `status ${status} has no body: expected an output without required fields, found "version" and "at" and "isNew"`,
    ])
    expect(problemsOf({ status }, { output: bytes({ mediaType: 'image/png' }) })).toEqual([
      `status ${status} has no body: expected no output, or an object, found type "string"`,
    ])
    expect(problemsOf({ status }, { output: stream(optional) })).toEqual([
      `status ${status} has no body, and an output stream is one: expected another status`,
    ])
  })

  it('names fields of the output', () => {
    expect(build({ status: 201, location: 'url', etag: 'version' }).http).toMatchObject({
      location: 'url',
      etag: 'version',
    })
    expect(build({ etag: 'at' }).http.etag).toBe('at')
  })

  const statuses = 'status must be from 200 to 299, or 301, 302, 303, 307 or 308, found'
  it.each<[Partial<HttpBinding>, Partial<OperationSpec>, string]>([
    [{ status: 304 }, {}, `${statuses} 304`],
    [{ status: 200.5 }, {}, `${statuses} 200.5`],
    [{ status: 199 }, {}, `${statuses} 199`],
    [{ status: 302 }, {}, 'status 302 needs location, the output field with the address'],
    [
      { status: 302, location: 'url' },
      {},
      'location "url" must be a required field, because a redirect has nothing else to say',
    ],
    [
      { status: 302, location: 'at' },
      {},
      'a redirect sends location "at" and nothing else: expected no other required field, found "version" and "isNew"',
    ],
    [{ location: 'at' }, {}, 'location needs status 201, 202 or a redirect, found 200'],
    [
      { status: 201, location: 'version' },
      {},
      'location must name a text field of the output, found "version" of type "integer"',
    ],
    [
      { status: 201, location: 'data' },
      {},
      'location must name a text field of the output, found "data" of type "string"',
    ],
    [{ status: 201, location: 'to' }, {}, 'location must name a text field of the output, found no field "to"'],
    [
      { etag: 'isNew' },
      {},
      'etag must name a field of the output that is text or a whole number, found "isNew" of type "boolean"',
    ],
    [
      { etag: 'revision' },
      {},
      'etag must name a field of the output that is text or a whole number, found no field "revision"',
    ],
    [
      { etag: 'version' },
      { output: stream(output) },
      'etag cannot be a field of an output stream, whose head is sent before its items',
    ],
    [
      { status: 303, location: 'at' },
      { output: stream(output) },
      'location cannot be a field of an output stream, whose head is sent before its items',
    ],
  ])('%j is refused', (http, spec, message) => {
    expect(problemsOf(http, spec)).toEqual([message])
  })
})
