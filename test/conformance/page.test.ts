import { readFile } from 'node:fs/promises'
import { features } from '@tenon/testing/conformance'
import { expect, test } from 'vitest'

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

test('the page has the table of features, and nothing else in it', async () => {
  const page = await read('docs/conformance.md')
  const rows = [...page.matchAll(/^\| `(\w+(?:\.\w+)?)` \| (.*) \|$/gm)].map(([, name, sentence]) => [name, sentence])
  expect(rows).toEqual(Object.entries(features))
})

test('the example on the page is the file that runs from the packed packages', async () => {
  const [, example] = /```ts\n([^]*?)```/.exec(await read('docs/conformance.md')) ?? []
  expect(example).toBe(await read('test/package/fixture/hello/conformance/line.spec.ts'))
})
