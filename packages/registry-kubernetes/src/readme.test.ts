import { expect, test } from 'vitest'
import { readmeBlocks, readRootFile } from '../../../test/promise/readme-block.ts'
import { knownOptions } from './kubernetes-options.ts'

const readme = 'packages/registry-kubernetes/README.md'

test('the README shows code that stands in the file it names', async () => {
  const blocks = (await readmeBlocks(readme)).filter(({ language }) => language === 'ts')
  expect(blocks).toHaveLength(1)
  for (const { text } of blocks) {
    const [, file = '', code = ''] = /^\/\/ (\S+)\n([\s\S]*)$/.exec(text) ?? []
    const source = await readRootFile(file)
    for (const excerpt of code.split('// …\n')) expect(source).toContain(excerpt)
  }
})

test('the README has a line for every option', async () => {
  const text = await readRootFile(readme)
  const section = text.slice(text.indexOf('## Options'), text.indexOf('## What is told'))
  const rows = Array.from(section.matchAll(/^\| `(\w+)` \|/gm), ([, name]) => name)
  expect(rows).toEqual([...knownOptions])
})
