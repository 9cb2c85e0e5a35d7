import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

const readRootFile = (name: string) => readFile(new URL(`../../../${name}`, import.meta.url), 'utf8')

test('the README shows code that stands in the file it names', async () => {
  const readme = await readRootFile('packages/testing/README.md')
  const blocks = Array.from(readme.matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm))
  expect(blocks).toHaveLength(readme.split('```ts\n').length - 1)
  for (const [, file = '', code = ''] of blocks) {
    const source = await readRootFile(file)
    for (const excerpt of code.split(/^\/\/ …\n/m)) expect(source, file).toContain(excerpt)
  }
})

test('the README names everything that a tested service can do', async () => {
  const readme = await readRootFile('packages/testing/README.md')
  const source = await readRootFile('packages/testing/src/tested-service.ts')
  const [, body = ''] = /export interface TestedService[ <][^{]*\{\n([\s\S]*?)^\}/m.exec(source) ?? []
  const members = new Set(Array.from(body.matchAll(/^ {2}(?:readonly )?(\w+)[(:<]/gm), ([, name = '']) => name))
  expect(members.size).toBeGreaterThan(10)
  for (const name of members) expect(readme, name).toMatch(new RegExp(`\\b${name}\\b`))
})
