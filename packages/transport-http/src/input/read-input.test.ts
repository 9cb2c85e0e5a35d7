import { type Contract, contract, contractInfo } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { compileInputReader, type InputSource, type PathValues } from './read-input.ts'

const fields = {
  userId: Type.String(),
  limit: Type.Optional(Type.Integer()),
  tags: Type.Optional(Type.Array(Type.String())),
  isActive: Type.Optional(Type.Boolean()),
}
const input = Type.Object(fields)
const output = Type.Object({})

const users = contract('demo.v1.Users', {
  list: { input, output, http: 'GET /users/:userId' },
  put: { input, output, http: { route: 'PUT /users/:userId', query: ['limit'] } },
  byNumber: { input: Type.Object({ number: Type.Integer() }), output, http: 'POST /numbers/:number' },
  closed: { input: Type.Object(fields, { additionalProperties: false }), output, http: 'GET /closed/:userId' },
})

type Name = 'list' | 'put' | 'byNumber' | 'closed'

function read(name: Name, source: Partial<InputSource>, path: PathValues = { userId: 'u1' }): unknown {
  const operation = contractInfo(users as Contract).operations.find((one) => one.name === name)
  if (operation?.http === undefined) throw new Error(`${name} has no route`)
  const headers = { 'content-type': 'application/json' }
  return compileInputReader(operation, operation.http)({ headers, query: {}, body: undefined, ...source }, path)
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const violation = (field: string, rule: string) => ({
  code: 'invalid_argument',
  details: { violations: [expect.objectContaining({ field, rule })] },
})

test('a query is read as the types of its fields, and what is undeclared is left out', () => {
  const query = { limit: '20', tags: 'a', isActive: 'true', stray: 'x' }
  expect(read('list', { query })).toEqual({ userId: 'u1', limit: 20, tags: ['a'], isActive: true })
})

test('a repeated query field is a list, also where the schema wants one value, so that validation names the field', () => {
  expect(read('list', { query: { tags: ['a', 'b'], limit: ['1', '2'] } })).toEqual({
    userId: 'u1',
    tags: ['a', 'b'],
    limit: [1, 2],
  })
})

test('text that is no value of its type stays text for validation to refuse', () => {
  expect(read('list', { query: { limit: '0x10' } })).toEqual({ userId: 'u1', limit: '0x10' })
})

test('a schema that refuses undeclared fields is shown them', () => {
  expect(read('closed', { query: { stray: 'x' } })).toEqual({ userId: 'u1', stray: 'x' })
})

test('path, query and body are merged', () => {
  const source = { query: { limit: '5' }, body: json({ isActive: false, stray: 1 }) }
  expect(read('put', source)).toEqual({ userId: 'u1', limit: 5, isActive: false, stray: 1 })
})

test('a field of the body may be repeated in the query, but not with another value', () => {
  expect(read('put', { query: { isActive: 'true' }, body: json({ isActive: true }) })).toMatchObject({ isActive: true })
  for (const body of [json({}), json({ isActive: false })])
    expect(() => read('put', { query: { isActive: 'true' }, body })).toThrow('/isActive is read from the body')
})

test('a field bound to the path may be repeated elsewhere, but not with another value', () => {
  expect(read('put', { body: json({ userId: 'u1' }), query: { userId: 'u1' } })).toEqual({ userId: 'u1' })
  expect(read('byNumber', { body: json({ number: 7 }) }, { number: '7' })).toEqual({ number: 7 })
  for (const source of [
    { body: json({ userId: 'u2' }) },
    { body: json({ userId: null }) },
    { query: { userId: 'u2' } },
  ])
    expect(() => read('put', source)).toThrow(expect.objectContaining(violation('/userId', 'location')))
  expect(() => read('list', { query: { userId: ['u1', 'u1'] } })).toThrow(
    expect.objectContaining(violation('/userId', 'location')),
  )
})

test('a field bound to the query is not read from the body', () => {
  expect(() => read('put', { body: json({ limit: 5 }) })).toThrow(
    expect.objectContaining(violation('/limit', 'location')),
  )
  expect(read('put', { body: json({ limit: 5 }), query: { limit: '5' } })).toEqual({ userId: 'u1', limit: 5 })
})

test('no body is an empty object, whatever its media type', () => {
  expect(read('put', { headers: {} })).toEqual({ userId: 'u1' })
  expect(read('put', { headers: { 'content-type': 'text/plain' }, body: Buffer.alloc(0) })).toEqual({ userId: 'u1' })
})

test('a body that is no JSON object is refused without quoting it', () => {
  const undecodable = expect.objectContaining({
    code: 'invalid_argument',
    reason: 'undecodable',
    message: 'the body is not JSON',
    details: undefined,
  })
  for (const body of [Buffer.from('{"a":secret}'), Buffer.from(' '), Buffer.from([0x22, 0xff, 0x22])])
    expect(() => read('put', { body })).toThrow(undecodable)
  for (const value of [[], 'x', 1, null])
    expect(() => read('put', { body: json(value) })).toThrow(expect.objectContaining(violation('', 'type')))
})

test('only JSON media types are read', () => {
  const body = json({})
  for (const type of ['application/json', 'Application/JSON; charset=utf-8', 'application/vnd.shop+json'])
    expect(read('put', { headers: { 'content-type': type }, body })).toEqual({ userId: 'u1' })
  const unsupported = expect.objectContaining({ code: 'invalid_argument', reason: 'unsupported_media_type' })
  for (const type of ['text/plain', 'application/jsonp', 'application/x-www-form-urlencoded', 'json'])
    expect(() => read('put', { headers: { 'content-type': type }, body })).toThrow(unsupported)
  expect(() => read('put', { headers: {}, body })).toThrow(unsupported)
  const gzip = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
  expect(() => read('put', { headers: gzip, body })).toThrow(unsupported)
})

test('__proto__ in a body or a query changes no prototype', () => {
  const body = Buffer.from('{"__proto__":{"isAdmin":true}}')
  expect(Reflect.get(read('put', { body }) as object, 'isAdmin')).toBeUndefined()
  const query = JSON.parse('{"__proto__":["x"]}') as Record<string, string[]>
  expect(Object.getPrototypeOf(read('closed', { query }))).toBe(Object.prototype)
})
