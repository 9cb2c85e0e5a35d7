import { bytes, type Contract, contract, contractInfo, int64 } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { compileFieldWriter, type InputFields } from './write-fields.ts'

const text = Type.String()
const list = Type.Optional(Type.Array(text))
const notes = contract('demo.v1.Notes', {
  get: {
    input: Type.Object({ noteId: text, size: Type.Optional(int64()), raw: Type.Optional(bytes()), tags: list }),
    output: Type.Object({}),
    http: { route: ['GET /notes/:noteId', 'GET /v2/notes/:noteId'] },
  },
  open: {
    input: Type.Object({ noteId: Type.Integer() }, { additionalProperties: true }),
    output: Type.Object({}),
    http: 'GET /open/:noteId:now',
  },
  put: {
    input: Type.Object({
      noteId: text,
      note: Type.Object({ text }),
      tenant: Type.Optional(text),
      roles: list,
      version: Type.Optional(text),
      session: Type.Optional(text),
      theme: Type.Optional(Type.Boolean()),
      dry: Type.Optional(Type.Boolean()),
    }),
    output: Type.Object({}),
    http: {
      route: 'PUT /notes/:noteId',
      headers: { tenant: 'x-tenant', roles: 'x-roles', version: 'if-match' },
      cookies: { session: 'sid', theme: 'theme' },
      query: ['dry'],
    },
  },
})

function write(name: 'get' | 'open' | 'put', input: InputFields) {
  const operation = contractInfo(notes as Contract).operations.find((one) => one.name === name)
  if (operation?.http === undefined) throw new Error(`${name} has no route`)
  return compileFieldWriter(operation.http)(input)
}

const pathOf = (noteId: string) => write('get', { noteId }).path
const refused = (field: string, rule: string) =>
  expect.objectContaining({
    code: 'invalid_argument',
    details: { violations: [expect.objectContaining({ field, rule })] },
  })

test('a value in a path is percent-encoded as far as it could be taken for anything else', () => {
  expect(pathOf('a/b?c#d%e')).toBe('/notes/a%2Fb%3Fc%23d%25e')
  expect(pathOf('42:cancel')).toBe('/notes/42%3Acancel')
  expect(pathOf('\u00e9 \ud83d\udc69+')).toBe('/notes/%C3%A9%20%F0%9F%91%A9%2B')
  expect(pathOf('...')).toBe('/notes/...')
  expect(write('open', { noteId: -7 }).path).toBe('/open/-7:now')
})

test('a value that a path cannot hold is refused by its field', () => {
  expect(() => pathOf('')).toThrow(refused('/noteId', 'minLength'))
  for (const step of ['.', '..']) expect(() => pathOf(step)).toThrow(refused('/noteId', 'not'))
  expect(() => pathOf('\ud800')).toThrow(refused('/noteId', 'unicode'))
  expect(() => write('get', {})).toThrow(refused('/noteId', 'type'))
})

test('a query repeats the name of a list, leaves out what is absent, and writes native values as JSON has them', () => {
  expect(write('get', { noteId: 'n', tags: ['a', 'b&c=d', ''], size: -(2n ** 63n) }).path).toBe(
    `/notes/n?size=${-(2n ** 63n)}&tags=a&tags=b%26c%3Dd&tags=`,
  )
  expect(write('get', { noteId: 'n', tags: [], size: undefined, raw: new Uint8Array([251, 255]) }).path).toBe(
    '/notes/n?raw=%2B%2F8%3D',
  )
})

test('fields that a schema takes undeclared are in the query of a verb without a body', () => {
  expect(write('open', { noteId: 1, 'a b': 'x', isOpen: true }).path).toBe('/open/1:now?a%20b=x&isOpen=true')
  expect(() => write('open', { noteId: 1, deep: {} })).toThrow(refused('/deep', 'type'))
})

test('headers, cookies and query are taken out of what is left for the body', () => {
  const note = { text: 'hello' }
  expect(
    write('put', {
      noteId: 'n',
      note,
      tenant: 'gr\u00fcn',
      roles: ['a', 'b, "c"', ''],
      session: 'a;b',
      theme: false,
      dry: true,
    }),
  ).toEqual({
    path: '/notes/n?dry=true',
    headers: {
      'x-tenant': Buffer.from('gr\u00fcn').toString('latin1'),
      'x-roles': String.raw`a, "b, \"c\"", ""`,
      cookie: 'sid=a%3Bb; theme=false',
    },
    rest: { note },
  })
  expect(write('put', { noteId: 'n', note, roles: [] }).headers).toEqual({})
  expect(write('put', { noteId: 'n', note, version: 'v 1"' }).headers).toEqual({ 'if-match': '"v%201%22"' })
})

test('a text that would begin a header of its own, or lose the space around it, is refused', () => {
  const put = (tenant: string) => () => write('put', { noteId: 'n', note: { text: '' }, tenant })
  for (const tenant of ['a\r\nx-evil: 1', 'a\0', ' a', 'a ', '\u0085'])
    expect(put(tenant), tenant).toThrow(refused('/tenant', 'pattern'))
  expect(put('')()).toMatchObject({ headers: { 'x-tenant': '' } })
})
