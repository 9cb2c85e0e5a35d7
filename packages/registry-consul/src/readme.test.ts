import { readFile } from 'node:fs/promises'
import { ConfigError } from '@tenon/core/registry'
import { describe, expect, it } from 'vitest'
import { resolveConsul } from './consul-options.ts'
import { consulDefaults, consulSource, consulSourceDefaults } from './index.ts'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')

interface OptionTable {
  readonly head: string
  /** Where its options are declared. */
  readonly sources: readonly (readonly [file: string, name: string])[]
  readonly defaults: object
  /** @throws ConfigError for what is out of range */
  resolve(options: object): unknown
}

const tables: readonly OptionTable[] = [
  {
    head: 'option',
    sources: [
      ['consul-options.ts', 'ConsulOptions'],
      ['agent/agent-options.ts', 'AgentOptions'],
    ],
    defaults: consulDefaults,
    // Within which every `requestTimeoutMs` is at most a third.
    resolve: (options) => resolveConsul({ ttlMs: 180_000, ...options }, {}),
  },
  {
    head: 'option of `consulSource`',
    sources: [['consul-source.ts', 'ConsulSourceOptions']],
    defaults: consulSourceDefaults,
    resolve: (options) => consulSource({ prefix: 'a', ...options }),
  },
]

describe.each(tables)('the table "$head" of the README', ({ head, sources, defaults, resolve }) => {
  const rows = rowsBelow(head)

  it('has a row for every option, and no other', async () => {
    const names = (await Promise.all(sources.map(namesIn))).flat()
    expect(names.length).toBeGreaterThan(0)
    expect(rows.map(({ name }) => name).toSorted()).toEqual(names.toSorted())
  })

  it.each(rows.filter(({ text }) => number(text) !== undefined))('tells the default of $name', ({ name, text }) => {
    expect(Reflect.get(defaults, name)).toBe(number(text))
  })

  it.each(rows.flatMap(rangeOf))('tells the range of $name', ({ name, least, most }) => {
    for (const value of [least, most]) expect(() => resolve({ [name]: value })).not.toThrow()
    for (const value of [least - 1, most + 1]) expect(() => resolve({ [name]: value })).toThrow(ConfigError)
  })
})

it('the README names every variable that is read', async () => {
  const sources = await Promise.all(['agent-options.ts', 'agent-tls.ts'].map((file) => sourceOf(`agent/${file}`)))
  const variables = new Set(Array.from(sources.join('').matchAll(/\bCONSUL_[A-Z_]+/g), ([name]) => name))
  expect(variables.size).toBeGreaterThan(8)
  for (const name of variables) expect(readme).toContain(`\`${name}\``)
})

interface Row {
  readonly name: string
  readonly text: string
  readonly range: string
}

function rowsBelow(head: string): readonly Row[] {
  const lines = readme.split('\n')
  const start = lines.indexOf(`| ${head} | default | range |`) + 2
  expect(start).toBeGreaterThan(1)
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'))
  return lines.slice(start, start + length).map((line) => {
    const [, first = '', text = '', range = ''] = line.split('|').map((cell) => cell.trim())
    return { name: /^`([^`]+)`/.exec(first)?.[1] ?? first, text, range }
  })
}

/** The names of an interface's properties, as they are written in a file. */
async function namesIn([file, name]: readonly [string, string]): Promise<readonly string[]> {
  const [, body = ''] =
    new RegExp(`export interface ${name} [^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(await sourceOf(file)) ?? []
  return Array.from(body.matchAll(/^ {2}readonly (\w+)\??:/gm), ([, property = '']) => property)
}

function sourceOf(file: string): Promise<string> {
  return readFile(new URL(file, import.meta.url), 'utf8')
}

/** Numbers are written in groups of three digits. */
function number(text: string): number | undefined {
  return /^\d[\d ]*$/.test(text) ? Number(text.replaceAll(' ', '')) : undefined
}

function rangeOf({ name, range }: Row): readonly { name: string; least: number; most: number }[] {
  const [, least = '', most = ''] = /^(\d[\d ]*)–(\d[\d ]*)/.exec(range) ?? []
  return most === '' ? [] : [{ name, least: number(least.trim()) ?? 0, most: number(most.trim()) ?? 0 }]
}
