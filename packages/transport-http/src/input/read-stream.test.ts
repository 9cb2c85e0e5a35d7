import { Readable } from 'node:stream'
import { type Contract, contract, contractInfo, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { compileStreamReader } from './read-stream.ts'

const Item = Type.Object({
  listId: Type.String(),
  text: Type.String(),
  tags: Type.Optional(Type.Array(Type.String())),
  locale: Type.Optional(Type.String()),
})
const lists = contract('demo.v1.Lists', {
  add: {
    input: stream(Item),
    output: Type.Object({}),
    http: { route: 'POST /v1/lists/:listId', headers: { tags: 'x-tags' }, cookies: { locale: 'locale' } },
  },
})

async function read(lines: readonly object[], headers: Record<string, string> = {}): Promise<readonly unknown[]> {
  const [operation] = contractInfo(lists as Contract).operations
  if (operation?.http === undefined) throw new Error('it has no route')
  const body = Readable.from([Buffer.from(lines.map((line) => JSON.stringify(line)).join('\n'))], { objectMode: false })
  const source = { headers: { 'content-type': 'application/x-ndjson', ...headers }, query: {}, body }
  const items: unknown[] = []
  for await (const item of compileStreamReader(operation, operation.http, {
    bodyLimitBytes: 1_000,
    inputIdleTimeoutMs: 60_000,
  })(source, {
    listId: 'l1',
  }))
    items.push(item)
  return items
}

test('fields of path, headers and cookies come with every item', async () => {
  const headers = { 'x-tags': 'a, b', cookie: 'locale=de' }
  const placed = { listId: 'l1', tags: ['a', 'b'], locale: 'de' }
  expect(await read([{ text: '1' }, { text: '2', ...placed }], headers)).toEqual([
    { text: '1', ...placed },
    { text: '2', ...placed },
  ])
  expect(await read([{ text: '1' }])).toEqual([{ text: '1', listId: 'l1' }])
})

test.each([
  ['the path', { listId: 'l2' }, {}, '/1/listId'],
  ['a header', { tags: ['a'] }, { 'x-tags': 'b' }, '/1/tags'],
  ['a header that is not there', { tags: ['a'] }, {}, '/1/tags'],
  ['a cookie', { locale: 'de' }, { cookie: 'locale=en' }, '/1/locale'],
])('an item with another value than %s is refused by its place', async (_what, fields, headers, field) => {
  await expect(read([{ text: '1' }, { text: '2', ...fields }], headers)).rejects.toMatchObject({
    code: 'invalid_argument',
    details: { violations: [{ field, rule: 'location' }] },
  })
})
