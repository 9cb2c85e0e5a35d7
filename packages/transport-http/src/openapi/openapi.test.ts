import { bytes, contract, stream } from '@tenon/core/contract'
import { ConfigError } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, test } from 'vitest'
import { Book, bookAt, books, Id, json, operationOf, problem, ref, replyOf } from './openapi.test-harness.ts'
import { openapi } from './openapi.ts'

const safe = { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }

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
      { name: 'limit', in: 'query', schema: { type: 'integer', default: 10, ...safe } },
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
    expect(content?.['application/x-ndjson']?.schema).toMatchObject({ anyOf: [ref('Book'), {}] })
    const data = { contentMediaType: json, contentSchema: ref('Book') }
    expect(content?.['text/event-stream']?.schema).toMatchObject({
      anyOf: [{ properties: { id: { type: 'string' }, data } }, { properties: { event: { const: 'error' } } }],
    })
    expect(bookAt('post', '/v1/books:add').requestBody).toMatchObject({
      required: false,
      content: { 'application/x-ndjson': { schema: ref('Book') } },
    })
    const schema = { type: 'object', additionalProperties: true, maxProperties: 1_000 }
    expect(bookAt('post', '/v1/pages').requestBody).toMatchObject({
      required: false,
      content: { 'multipart/form-data': { schema } },
    })
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
      { name: 'if-match', in: 'header', schema: { type: 'string', pattern: '^(?:\\*|"[\\x21\\x23-\\x7e]*")$' } },
      { name: 'sid', in: 'cookie', required: true },
    ])
    expect(put.requestBody?.content).toEqual({ [json]: { schema: ref('User') } })
    expect(Object.keys(replyOf(put, 201).headers ?? {})).toEqual(['ETag', 'Location', 'Deprecation', 'Sunset', 'Link'])
    expect(put.description).toContain(
      'Answers until 2027-01-01T00:00:00.000Z. What to use instead: <https://example.com/new>.',
    )
    expect(put.responses['412']).toEqual({ $ref: '#/components/responses/PreconditionFailed' })
    expect(replyOf(put, 428).content?.[problem]?.schema).toMatchObject({
      allOf: [{}, { properties: { status: { const: 428 }, code: { enum: ['failed_precondition'] } } }],
    })
    expect(replyOf(operationOf(users, 'get', '/users'), 303)).toMatchObject({ headers: { Location: {} } })
  })

  test('tells of versions and of parts of a download', () => {
    const files = contract('demo.v1.Files', {
      getFile: { input: Id, output: stream(bytes({ mediaType: 'video/mp4' })), http: 'GET /files/:bookId' },
      getInfo: {
        input: Id,
        output: Type.Object({ version: Type.Integer() }),
        http: { route: 'GET /files/:bookId/info', etag: 'version' },
      },
    })
    const file = operationOf(files, 'get', '/files/{bookId}')
    expect(file.parameters?.map(({ name }) => name)).toEqual(['bookId', 'Range'])
    expect(replyOf(file, 200).content).toEqual({ 'video/mp4': {} })
    expect(replyOf(file, 206).headers).toHaveProperty('Content-Range')
    expect(file.responses['416']).toBeDefined()
    const info = operationOf(files, 'get', '/files/{bookId}/info')
    expect(info.parameters?.map(({ name }) => name)).toEqual(['bookId', 'If-None-Match'])
    expect(replyOf(info, 304).content).toBeUndefined()
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
