import { readFile } from 'node:fs/promises'
import { registryFeatures } from '@tenon/testing/registry'
import { expect, test } from 'vitest'

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

test('the page has the table of features, and nothing else in it', async () => {
  const [, table = ''] = (await read('docs/registry-conformance.md')).split('| feature | what having it means |')
  const rows = [...table.matchAll(/^\| `(\w+(?:\.\w+)?)` \| (.*) \|$/gm)].map(([, name, sentence]) => [name, sentence])
  expect(rows).toEqual(Object.entries(registryFeatures))
})

test('the example on the page stands in the file that it names', async () => {
  const [, file = '', example = 'none'] =
    /```ts\n\/\/ (\S+)\n([^]*?)\n```/.exec(await read('docs/registry-conformance.md')) ?? []
  expect(await read(file)).toContain(example)
})
