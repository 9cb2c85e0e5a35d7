import { defineHandler } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import Type from 'typebox'
import { expect, test } from 'vitest'
import { postRaw, startTarget } from './target.ts'

const Names = Type.Object({ names: Type.Optional(Type.Record(Type.String(), Type.Integer())) })
const counts = contract('test.v1.CountService', {
  count: { input: Names, output: Type.Object({ nameCount: Type.Integer() }), http: 'POST /v1/count', grpc: false },
})
const handler = defineHandler(counts, () => ({
  count: async ({ names = {} }) => ({ nameCount: Object.keys(names).length }),
}))

/** Names of a kind, as many as fit in a body. */
function namesOf(kind: (index: number) => string): readonly string[] {
  const names: string[] = []
  for (let bytes = 100; bytes < 1_000_000; bytes += (names.at(-1)?.length ?? 0) + 5) names.push(kind(names.length))
  return names
}

// Where names were hashed alike, or compared with one another, this would take minutes.
test.each([
  ['short texts', (index: number) => `k${index.toString(36)}`],
  ['numbers that are places of lists', (index: number) => String(index)],
  ['numbers of which a table sees the same digits', (index: number) => String((index * 65_536) % 4_294_967_291)],
  ['texts that are alike but for their last letters', (index: number) => `${'a'.repeat(50)}${index}`],
])(
  'as many names as fit in a body are counted, or dropped where nobody asked for them: %s',
  { timeout: 10_000 },
  async (_what, kind) => {
    await using target = await startTarget([handler])
    const names = namesOf(kind)
    const pairs = names.map((name) => `"${name}":1`).join(',')
    const counted = await postRaw(target.httpPort, '/v1/count', `{"names":{${pairs}}}`)
    expect(counted).toContain(`{"nameCount":${new Set(names).size}}`)
    expect(await postRaw(target.httpPort, '/v1/count', `{${pairs}}`)).toContain('{"nameCount":0}')
  },
)
