import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { observabilityDefaults } from './index.ts'
import { service } from './readme-example.test-fixture.ts'

const read = (name: string) => readFile(new URL(name, import.meta.url), 'utf8')
const readme = await read('../README.md')

test('the README shows code that compiles, and a service that would start', async () => {
  expect(readme).toContain(`\`\`\`ts\n${await read('readme-example.test-fixture.ts')}\`\`\``)
  expect(await service.check({ environment: { ADMIN_TOKEN: 'sesame-open-sesame' } })).toEqual({
    ok: true,
    problems: [],
  })
})

test('the README names every option, with its default and its range', async () => {
  const source = await read('setting/observability-options.ts')
  const interfaces = /^export interface ObservabilityOptions[^]*?^}/m.exec(source)?.[0] ?? ''
  const options = Array.from(interfaces.matchAll(/^ {2}readonly (\w+)/gm), ([, name]) => name)
  expect(options).toHaveLength(10)
  for (const option of options) expect(readme).toContain(`| \`${option}\``)
  const spaced = (number: number) => String(number).replace(/\B(?=(\d{3})+$)/g, ' ')
  for (const [name, value] of Object.entries(observabilityDefaults)) {
    const shown = typeof value === 'number' ? spaced(value) : `\`${value}\``
    expect(readme).toMatch(new RegExp(`^\\| \`${name}\`[^|]*\\| ${shown} \\|`, 'm'))
  }
  for (const [, min = '', max = ''] of source.matchAll(/min: ([\d_]+), max: ([\d_]+)/g)) {
    const range = [min, max].map((number) => spaced(Number(number.replaceAll('_', '')))).join('–')
    expect(readme).toContain(range)
  }
})

test('the README installs what a start needs', async () => {
  const manifest = JSON.parse(await read('../package.json')) as { peerDependencies: Readonly<Record<string, string>> }
  const packages = Object.keys(manifest.peerDependencies).filter((name) => !name.endsWith('-grpc'))
  const [, command = ''] = /```sh\n([^]*?)```/.exec(readme) ?? []
  for (const name of packages) expect(command).toContain(name)
})
