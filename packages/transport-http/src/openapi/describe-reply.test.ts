import { contract } from '@tenon/core/contract'
import Type from 'typebox'
import { describe, expect, test } from 'vitest'
import type { OperationObject } from './document.ts'
import { Book, bookAt, books, operationOf, problem, ref, replyOf } from './openapi.test-harness.ts'
import { describeOperations, openapi } from './openapi.ts'

describe('problems', () => {
  const statuses = (operation: OperationObject) => new Set(Object.keys(operation.responses).map(Number))

  test('are those the operation can be answered with, and no others', () => {
    const always = [400, 406, 408, 414, 429, 431, 500, 503, 504]
    const withCallers = [...always, 401]
    expect(statuses(bookAt('get', '/v1/books'))).toEqual(new Set([200, ...withCallers]))
    expect(statuses(bookAt('get', '/v1/books/{bookId}'))).toContain(404)
    expect(statuses(bookAt('post', '/v1/books/{bookId}:lend'))).toEqual(new Set([200, 401, 413, 415, ...always]))
    expect(statuses(bookAt('put', '/v1/books/{bookId}'))).toEqual(new Set([201, 401, 403, 409, 413, 415, ...always]))
    const open = contract('demo.v1.Open', { ping: { input: Type.Object({}), output: Book, http: 'GET /ping' } })
    expect(statuses(operationOf(open, 'get', '/ping'))).toEqual(new Set([200, ...always]))
    const { paths } = describeOperations([{ operation: open.ping }], {}, { hasBans: true })
    expect(Object.keys(paths['/ping']?.['get']?.responses ?? {})).toContain('403')
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

  test('roles and scopes stand beside the scheme, which has no words for them', () => {
    expect(securityAt('put', '/v1/books/{bookId}')).toEqual([{ bearer: [] }])
    expect(bookAt('put', '/v1/books/{bookId}')['x-required-roles']).toEqual(['editor', 'admin'])
    expect(securityAt('delete', '/v1/books/{bookId}')).toEqual([{ bearer: [] }])
    expect(bookAt('delete', '/v1/books/{bookId}')['x-required-scopes']).toEqual(['read', 'drop'])
    expect(securityAt('post', '/v1/books/{bookId}:lend')).toEqual([{ bearer: [] }])
    expect(bookAt('put', '/v1/books/{bookId}').description).toContain('at least one of the roles `editor` or `admin`')
    expect(openapi(books).components.securitySchemes).toEqual({ bearer: { type: 'http', scheme: 'bearer' } })
  })

  test('any scheme suffices, and a scheme with scopes of its own lists those', () => {
    const securitySchemes = {
      key: { type: 'apiKey', in: 'header', name: 'x-api-key' },
      sso: { type: 'openIdConnect', openIdConnectUrl: 'https://example.com' },
    } as const
    const { paths } = openapi(books, { securitySchemes })
    expect(paths['/v1/books/{bookId}']?.['put']?.security).toEqual([{ key: [] }, { sso: [] }])
    expect(paths['/v1/books/{bookId}']?.['delete']?.security).toEqual([{ key: [] }, { sso: ['read', 'drop'] }])
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
