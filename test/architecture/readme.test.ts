import { access } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Report } from '../../benchmarks/src/figure.ts'
import { peerTable } from '../../benchmarks/src/peer-table.ts'
import { publishedTables } from '../../benchmarks/src/published-table.ts'
import { readmeBlocks, readRootFile } from '../promise/readme-block.ts'

const readmes = ['README.md', 'README.zh-CN.md']

describe.each(readmes)('%s', (readme) => {
  test('shows code that stands in the file it names', async () => {
    const blocks = (await readmeBlocks(readme)).filter(({ language }) => language === 'ts')
    expect(blocks.length).toBeGreaterThan(0)
    for (const { text } of blocks) {
      const [, file = '', code = ''] = /^\/\/ (\S+)\n([\s\S]*)$/.exec(text) ?? []
      const source = await readRootFile(file)
      for (const excerpt of code.split('// …\n')) expect(source).toContain(excerpt)
    }
  })

  test('links to files that are there', async () => {
    const links = (await readRootFile(readme)).matchAll(/\]\((?!https?:|#)([^)#]+)/g)
    for (const [, link = ''] of links) await access(fileURLToPath(new URL(`../../${link}`, import.meta.url)))
  })

  test('names the variables that the services read', async () => {
    const files = ['user', 'order'].map((name) => `examples/user-order/${name}/src/service.ts`)
    const sources = (await Promise.all(files.map(readRootFile))).join('\n')
    const variables = new Set(Array.from(sources.matchAll(/'([A-Z][A-Z_]+)'/g), ([, name = '']) => name))
    const text = await readRootFile(readme)
    for (const variable of variables) expect(text).toContain(`\`${variable}\``)
  })
})

test('both languages show the same blocks', async () => {
  const [english, chinese] = await Promise.all(readmes.map(readmeBlocks))
  const texts = (blocks: typeof english) => blocks?.map(({ language, text }) => ({ language, text }))
  expect(texts(chinese)).toEqual(texts(english))
})

test.each(['http-peers', 'grpc-peers'] as const)(
  'the benchmark README shows the table of the kept run of %s',
  async (part) => {
    const [readme, kept] = await Promise.all(
      ['README.md', `published/${part}.json`].map((name) => readRootFile(`benchmarks/${name}`)),
    )
    const report = JSON.parse(kept ?? '') as Report
    expect(report.figures.every(({ spread }) => spread.roundCount >= 10)).toBe(true)
    expect(readme).toContain(peerTable(report, publishedTables[part]))
  },
)
