import { once } from 'node:events'
import { join } from 'node:path'
import type { Address } from '@tenon/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OwnProcess, runFile } from '../support/own-process.ts'
import { postRaw } from './target.ts'

let target: OwnProcess
let port = 0

beforeAll(async () => {
  target = runFile(join(import.meta.dirname, 'fixture/checking-service.ts'))
  const [{ addresses }] = (await once(target.child, 'message')) as [{ readonly addresses: readonly Address[] }]
  port = addresses[0]?.port ?? 0
})

afterAll(() => target[Symbol.asyncDispose]())

/** Names of a kind, as many as fit in a body. */
function namesOf(kind: (index: number) => string): readonly string[] {
  const names: string[] = []
  for (let bytes = 100; bytes < 1_000_000; bytes += (names.at(-1)?.length ?? 0) + 5) names.push(kind(names.length))
  return names
}

// Where names were hashed alike, or compared with one another, this would take minutes.
test.each([
  ['short texts', (index: number) => `k${index.toString(36)}`],
  ['numbers of which a table sees the same digits', (index: number) => String((index * 65_536) % 4_294_967_291)],
  ['texts that are alike but for their last letters', (index: number) => `${'a'.repeat(50)}${index}`],
])(
  'as many names as fit in a body are counted, or dropped where nobody asked for them: %s',
  { timeout: 10_000 },
  async (_what, kind) => {
    const names = namesOf(kind)
    const pairs = names.map((name) => `"${name}":1`).join(',')
    const counted = await postRaw(port, '/v1/count', `{"names":{${pairs}}}`)
    expect(counted).toContain(`{"nameCount":${new Set(names).size}}`)
    expect(await postRaw(port, '/v1/count', `{${pairs}}`)).toContain('{"nameCount":0}')
  },
)
