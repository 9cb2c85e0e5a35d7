import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { adapterDefaults } from './index.ts'

const readRootFile = (name: string) => readFile(new URL(`../../../${name}`, import.meta.url), 'utf8')
const readme = await readRootFile('packages/terminus/README.md')

test('the README shows code that stands in the file it names', async () => {
  const blocks = Array.from(readme.matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm))
  expect(blocks).toHaveLength(readme.split('```ts\n').length - 1)
  for (const [, file = '', code = ''] of blocks) {
    const source = await readRootFile(file)
    for (const excerpt of code.split(/^\/\/ …\n/m)) expect(source, file).toContain(excerpt)
  }
})

test('the README names every option, with its default, and all that is refused', async () => {
  const source = await readRootFile('packages/terminus/src/adapter-options.ts')
  const listOf = (form: RegExp) =>
    Array.from((form.exec(source)?.[1] ?? '').matchAll(/^ {2}'?(\w+)/gm), ([, name]) => name)
  const options = listOf(/^const names = \[\n([\s\S]*?)^\]/m)
  const refused = listOf(/^const replaced[^{]*\{\n([\s\S]*?)^\}/m)
  expect([options.length, refused.length]).toEqual([13, 7])
  for (const name of [...options, ...refused]) expect(readme).toContain(`\`${name}\``)
  const { name, probes, headers } = adapterDefaults
  expect(readme).toContain(`| \`name\` | \`${name}\` |`)
  for (const path of Object.values(probes)) expect(readme).toContain(`'${path}'`)
  for (const [header, value] of Object.entries(headers)) expect(readme).toContain(`\`${header}: ${value}\``)
})
