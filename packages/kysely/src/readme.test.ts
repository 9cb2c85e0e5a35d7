import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

const readRootFile = (name: string) => readFile(new URL(`../../../${name}`, import.meta.url), 'utf8')
const readme = await readRootFile('packages/kysely/README.md')

test('the README shows code that stands in the file it names', async () => {
  const blocks = Array.from(readme.matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm))
  expect(blocks).toHaveLength(1)
  for (const [, file = '', code = ''] of blocks) expect(await readRootFile(file)).toContain(code)
})

test('the README names every option and every database', async () => {
  const source = await readRootFile('packages/kysely/src/observed-dialect.ts')
  const [options = ''] = /^export interface ObservedDialectOptions[^]*?^}/m.exec(source) ?? []
  const names = Array.from(options.matchAll(/^ {2}readonly (\w+)/gm), ([, name]) => `| \`${name}\` |`)
  const systems = Array.from(options.matchAll(/'([a-z._]+)'/g), ([, name]) => `\`${name}\``)
  expect([names.length, systems.length]).toEqual([3, 5])
  for (const name of [...names, ...systems]) expect(readme).toContain(name)
})
