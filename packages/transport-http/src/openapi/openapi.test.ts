import { type AnyContract, bytes, contract, formPart, stream } from '@tenon/core/contract'
import { ConfigError } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, test } from 'vitest'
import type { OperationObject, Reply } from './document.ts'
import { describeOperations, openapi } from './openapi.ts'

const Book = Type.Object({ bookId: Type.String(), title: Type.String() }, { $id: 'Book' })
const bookId = Type.String({ description: 'Of the book.' })
const Id = Type.Object({ bookId })

const books = contract('library.v1.BookService', {
  getBook: {
    summary: 'One book.',
    description: 'A book by its *id*.',
    input: Id,
    output: Book,
    errors: ['not_found'],
    http: 'GET /v1/books/:bookId',
    timeoutMs: 500,
  },
  findBooks: {
    input: Type.Object({
      words: Type.Array(Type.String()),
      limit: Type.Integer({ default: 10 }),
      old: Type.Optional(Type.Boolean({ deprecated: true })),
    }),
    output: Type.Object({ books: Type.Array(Book) }),
    http: 'GET /v1/books',
  },
  putBook: {
    input: Type.Object({ bookId, title: Type.String(), notify: Type.Optional(Type.Boolean()) }, { $id: 'PutBook' }),
    output: Book,
    errors: ['failed_precondition', 'already_exists', 'aborted'],
    http: { route: 'PUT /v1/books/:bookId', query: ['notify'], status: 201 },
    access: { roles: ['editor', 'admin'] },
  },
  dropBook: { input: Id, output: Type.Void(), http: 'DELETE /v1/books/:bookId', access: { scopes: ['read', 'drop'] } },
  lendBook: { input: Id, output: Book, http: 'POST /v1/books/:bookId:lend', access: 'authenticated' },
  watchBooks: {
    input: Type.Object({}),
    output: stream(Book),
    http: { route: 'GET /v1/books:watch', sse: { id: 'bookId' } },
  },
  addBooks: { input: stream(Book), output: Type.Object({ count: Type.Integer() }), http: 'POST /v1/books:add' },
  getCover: { input: Id, output: bytes({ mediaType: 'image/png' }), http: 'GET /v1/books/:bookId/cover' },
  putCover: {
    input: Type.Object({ bookId, cover: bytes({ mediaType: 'image/png' }) }),
    output: Type.Void(),
    http: 'PUT /v1/books/:bookId/cover',
    deprecated: true,
  },
  uploadPages: { input: stream(formPart()), output: Type.Object({}), http: 'POST /v1/pages' },
})

const json = 'application/json'
const problem = 'application/problem+json'
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })

/** The description of an operation, by method and path. */
function operationOf(of: AnyContract, method: string, path: string): OperationObject {
  const found = openapi(of).paths[path]?.[method]
  if (found === undefined) throw new Error(`nothing at ${method} ${path}`)
  return found
}

const bookAt = (method: string, path: string) => operationOf(books, method, path)

/** A reply that stands where it is used. */
function replyOf(operation: OperationObject, status: number): Reply {
  const reply = operation.responses[status]
  if (reply === undefined || '$ref' in reply) throw new Error(`no reply ${status} of its own`)
  return reply
}

describe('an operation', () => {
  test('is told by path, name, words and parameters', () => {
    expect(bookAt('get', '/v1/books/{bookId}')).toMatchObject({
      operationId: 'library.v1.BookService_getBook',
      tags: ['BookService'],
      summary: 'One book.',
      description: 'A book by its *id*.\n\nTakes at most 500 ms.',
      parameters: [
        { name: 'bookId', in: 'path', description: 'Of the book.', required: true, schema: { type: 'string' } },
      ],
      security: [],
    })
    expect(bookAt('get', '/v1/books')).toMatchObject({ summary: 'Find books', description: 'Find books' })
  })

  test('says of a query field whether it may be left out, and that a list is repeated', () => {
    expect(bookAt('get', '/v1/books').parameters).toEqual([
      {
        name: 'words',
        in: 'query',
        required: true,
        style: 'form',
        explode: true,
        schema: { type: 'array', items: { type: 'string' } },
      },
      { name: 'limit', in: 'query', schema: { type: 'integer', default: 10 } },
      { name: 'old', in: 'query', deprecated: true, schema: { type: 'boolean' } },
    ])
  })

  test('has the rest of its input as body, and no body where nothing is left', () => {
    const { parameters = [], requestBody } = bookAt('put', '/v1/books/{bookId}')
    expect(parameters.map(({ name, in: place }) => [name, place])).toEqual([
      ['bookId', 'path'],
      ['notify', 'query'],
    ])
    const schema = { type: 'object', required: ['title'], properties: { title: { type: 'string' } } }
    expect(requestBody).toEqual({ required: true, content: { [json]: { schema } } })
    expect(bookAt('post', '/v1/books/{bookId}:lend').requestBody).toBeUndefined()
    expect(bookAt('delete', '/v1/books/{bookId}').requestBody).toBeUndefined()
  })

  test('answers nothing with 204, and bytes with their own type', () => {
    const dropped = bookAt('delete', '/v1/books/{bookId}')
    expect(replyOf(dropped, 204).content).toBeUndefined()
    expect(dropped.responses['200']).toBeUndefined()
    expect(replyOf(bookAt('get', '/v1/books/{bookId}/cover'), 200).content).toEqual({ 'image/png': {} })
    expect(bookAt('put', '/v1/books/{bookId}/cover')).toMatchObject({
      deprecated: true,
      requestBody: { required: true, content: { 'image/png': {} } },
    })
  })

  test('may answer with a value or with nothing where its output says so', () => {
    const maybe = contract('demo.v1.Maybe', {
      any: { input: Type.Object({}), output: Type.Unknown(), http: 'GET /any' },
      some: { input: Type.Object({}), output: Type.Unknown({ title: 'Some' }), http: 'GET /some' },
    })
    expect(Object.keys(operationOf(maybe, 'get', '/any').responses)).toEqual(expect.arrayContaining(['200', '204']))
    const { responses } = operationOf(maybe, 'get', '/some')
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['200', '204']))
  })

  test('shows the items of its streams', () => {
    const content = replyOf(bookAt('get', '/v1/books:watch'), 200).content
    expect(content?.['application/x-ndjson']?.['x-itemSchema']).toMatchObject({ anyOf: [ref('Book'), {}] })
    const data = { contentMediaType: json, contentSchema: ref('Book') }
    expect(content?.['text/event-stream']?.['x-itemSchema']).toMatchObject({
      anyOf: [{ properties: { id: { type: 'string' }, data } }, { properties: { event: { const: 'error' } } }],
    })
    expect(bookAt('post', '/v1/books:add').requestBody).toMatchObject({
      required: true,
      content: { 'application/x-ndjson': { 'x-itemSchema': ref('Book') } },
    })
    expect(Object.keys(bookAt('post', '/v1/pages').requestBody?.content ?? {})).toEqual(['multipart/form-data'])
  })

  test('of several routes is told once for each, with a name of its own', () => {
    const both = contract('demo.v1.Both', {
      get: { input: Id, output: Book, http: { route: ['GET /v1/a/:bookId', 'GET /v1/b'] } },
    })
    const { paths } = openapi(both)
    expect(Object.values(paths).map(({ get }) => [get?.operationId, get?.parameters?.[0]?.in])).toEqual([
      ['demo.v1.Both_get', 'path'],
      ['demo.v1.Both_get_2', 'query'],
    ])
  })

  test('tells where fields are read from and sent to: headers, cookies, one field as the body, ETag and Location', () => {
    const User = Type.Object({ name: Type.String() }, { $id: 'User' })
    const users = contract('demo.v1.Users', {
      putUser: {
        input: Type.Object({
          id: Type.String(),
          version: Type.Optional(Type.String()),
          session: Type.String(),
          user: User,
        }),
        output: Type.Object({ version: Type.String(), place: Type.String() }),
        errors: ['failed_precondition'],
        http: {
          route: 'PUT /users/:id',
          headers: { version: 'if-match' },
          cookies: { session: 'sid' },
          body: 'user',
          status: 201,
          location: 'place',
          etag: 'version',
        },
        deprecated: { at: '2026-01-01T00:00:00Z', sunset: '2027-01-01T00:00:00Z', link: 'https://example.com/new' },
      },
      findUser: {
        input: Type.Object({ id: Type.String() }),
        output: Type.Object({ place: Type.String() }),
        http: { route: 'GET /users', status: 303, location: 'place' },
      },
    })
    const put = operationOf(users, 'put', '/users/{id}')
    expect(put.parameters).toMatchObject([
      { name: 'id', in: 'path' },
      { name: 'if-match', in: 'header' },
      { name: 'sid', in: 'cookie', required: true },
    ])
    expect(put.requestBody?.content).toEqual({ [json]: { schema: ref('User') } })
    expect(Object.keys(replyOf(put, 201).headers ?? {})).toEqual(['ETag', 'Location', 'Deprecation', 'Sunset', 'Link'])
    expect(put.description).toContain(
      'Answers until 2027-01-01T00:00:00.000Z. What to use instead: <https://example.com/new>.',
    )
    expect(replyOf(put, 412).content?.[problem]?.schema).toMatchObject({
      allOf: [{}, { properties: { status: { const: 412 } } }],
    })
    expect(replyOf(operationOf(users, 'get', '/users'), 303)).toMatchObject({ headers: { Location: {} } })
  })

  test('shows the examples of its contract where their parts stand', () => {
    const shown = contract('demo.v1.Shown', {
      put: {
        input: Type.Object({ id: Type.String(), name: Type.String() }),
        output: Type.Object({ ok: Type.Boolean() }),
        examples: [{ name: 'ada', summary: 'Ada.', input: { id: '1', name: 'Ada' }, output: { ok: true } }],
        http: 'PUT /v1/:id',
      },
    })
    const put = operationOf(shown, 'put', '/v1/{id}')
    expect(put.parameters).toMatchObject([{ name: 'id', examples: { ada: { summary: 'Ada.', value: '1' } } }])
    expect(put.requestBody?.content[json]?.examples).toEqual({ ada: { summary: 'Ada.', value: { name: 'Ada' } } })
    expect(replyOf(put, 200).content?.[json]?.examples).toEqual({ ada: { summary: 'Ada.', value: { ok: true } } })
  })
})

describe('problems', () => {
  const statuses = (operation: OperationObject) => new Set(Object.keys(operation.responses).map(Number))

  test('are those the operation can be answered with, and no others', () => {
    const always = [400, 408, 429, 431, 500, 503, 504]
    const withCallers = [...always, 401]
    expect(statuses(bookAt('get', '/v1/books'))).toEqual(new Set([200, ...withCallers]))
    expect(statuses(bookAt('get', '/v1/books/{bookId}'))).toContain(404)
    expect(statuses(bookAt('post', '/v1/books/{bookId}:lend'))).toEqual(new Set([200, 401, 413, 415, ...always]))
    expect(statuses(bookAt('put', '/v1/books/{bookId}'))).toEqual(new Set([201, 401, 403, 409, 413, 415, ...always]))
    const open = contract('demo.v1.Open', { ping: { input: Type.Object({}), output: Book, http: 'GET /ping' } })
    expect(statuses(operationOf(open, 'get', '/ping'))).toEqual(new Set([200, ...always]))
  })

  test('are shared where they say the same, and name the codes that a contract adds', () => {
    const { components } = openapi(books)
    expect(bookAt('get', '/v1/books').responses['400']).toEqual({ $ref: '#/components/responses/BadRequest' })
    expect(components.responses['BadRequest']).toMatchObject({
      content: {
        [problem]: { schema: { allOf: [ref('Problem'), { properties: { code: { enum: ['invalid_argument'] } } }] } },
      },
    })
    const put = bookAt('put', '/v1/books/{bookId}')
    const codes = { properties: { status: { const: 409 }, code: { enum: ['aborted', 'already_exists'] } } }
    expect(replyOf(put, 409).content?.[problem]?.schema).toMatchObject({ allOf: [ref('Problem'), codes] })
    expect(replyOf(put, 400).content?.[problem]?.schema).toMatchObject({
      allOf: [{}, { properties: { code: { enum: ['failed_precondition', 'invalid_argument'] } } }],
    })
    expect(components.responses['ServiceUnavailable']?.headers).toHaveProperty('Retry-After')
  })
})

describe('access', () => {
  const securityAt = (method: string, path: string) => bookAt(method, path).security

  test('roles are ways in, scopes are needed together', () => {
    expect(securityAt('put', '/v1/books/{bookId}')).toEqual([{ bearer: ['editor'] }, { bearer: ['admin'] }])
    expect(securityAt('delete', '/v1/books/{bookId}')).toEqual([{ bearer: ['read', 'drop'] }])
    expect(securityAt('post', '/v1/books/{bookId}:lend')).toEqual([{ bearer: [] }])
    expect(bookAt('put', '/v1/books/{bookId}').description).toContain('at least one of the roles `editor` or `admin`')
    expect(openapi(books).components.securitySchemes).toEqual({ bearer: { type: 'http', scheme: 'bearer' } })
  })

  test('any scheme suffices, and a scheme with scopes of its own lists no roles', () => {
    const securitySchemes = {
      key: { type: 'apiKey', in: 'header', name: 'x-api-key' },
      sso: { type: 'openIdConnect', openIdConnectUrl: 'https://example.com' },
    } as const
    const { paths } = openapi(books, { securitySchemes })
    expect(paths['/v1/books/{bookId}']?.['put']?.security).toEqual([
      { key: ['editor'] },
      { key: ['admin'] },
      { sso: [] },
    ])
  })

  test('what a service says counts where there is one', () => {
    const { getBook } = books
    const admission = { access: { check: () => true }, hasPolicy: true }
    const { paths } = describeOperations([{ operation: getBook, admission }], {})
    const served = paths['/v1/books/{bookId}']?.['get']
    expect(served?.security).toEqual([{ bearer: [] }])
    expect(served?.description).toContain('pass a check')
    expect(Object.keys(served?.responses ?? {})).toEqual(expect.arrayContaining(['401', '403']))
    expect(openapi(books, { defaultAccess: 'authenticated' }).paths['/v1/books']?.['get']?.security).toEqual([
      { bearer: [] },
    ])
  })
})

describe('a document', () => {
  const other = contract('library.v1.AuthorService', {
    getAuthor: {
      input: Type.Object({ authorId: Type.String() }),
      output: Type.Object({}),
      http: 'GET /v1/books/:authorId/author',
    },
    readCover: { input: Type.Object({ id: Type.String() }), output: Type.Object({}), http: 'POST /v1/books/:id/cover' },
    notOverHttp: { input: Id, output: Book },
  })

  test('is the same, byte for byte, in whatever order its contracts and options are given', () => {
    const one = JSON.stringify(openapi([books, other], { title: 'Library', version: '2.0.0' }))
    const two = JSON.stringify(openapi([other, books], { version: '2.0.0', title: 'Library' }))
    expect(one).toBe(two)
    expect(Object.keys(openapi([books, other]).paths)).toEqual(Object.keys(openapi([books, other]).paths).toSorted())
  })

  test('gives paths that differ only in the names of parameters one name', () => {
    const path = openapi([books, other]).paths['/v1/books/{bookId}/cover']
    expect(Object.keys(path ?? {})).toEqual(['get', 'post', 'put'])
    expect(path?.['post']?.parameters).toMatchObject([{ name: 'bookId', in: 'path' }])
  })

  test('says who offers what, as its options do', () => {
    const servers = [{ url: 'https://library.example.com' }]
    const tags = [{ name: 'BookService', description: 'Books.' }]
    const document = openapi([books, other], { title: 'Library', license: { name: 'MIT' }, servers, tags })
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'Library', version: '1.0.0', license: { name: 'MIT' } },
      servers,
    })
    expect(document.tags).toEqual([
      { name: 'AuthorService', description: 'Operations of library.v1.AuthorService.' },
      { name: 'BookService', description: 'Books.' },
    ])
    expect(openapi([books, other]).info.title).toBe('AuthorService')
  })

  test('has every component that it refers to, and refers to every component', () => {
    const document = openapi([books, other])
    const referred = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g)]
    const { schemas, responses } = document.components
    const found = new Set(referred.map(([, kind, name]) => `${kind}/${name}`))
    const there = [
      ...Object.keys(schemas).map((name) => `schemas/${name}`),
      ...Object.keys(responses).map((name) => `responses/${name}`),
    ]
    expect([...found].toSorted()).toEqual(there.toSorted())
  })
})

test('options that do not exist or have another form are told by name, all at once', () => {
  const options = { titel: 'x', version: 3, servers: [{}], securitySchemes: { a: { type: 'magic' } }, license: {} }
  const make = () => openapi(books, options as never)
  expect(make).toThrow(ConfigError)
  expect(make).toThrow(
    /"titel" is no option[^]*openapi\(\)\.version must be text[^]*servers must be a list of objects with url[^]*securitySchemes\.a\.type must be one of[^]*license must have a name/,
  )
})
