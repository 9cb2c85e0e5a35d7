import { readFile } from 'node:fs/promises'
import { ConfigError } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import { memoryDriver } from './driver/memory/memory-driver.ts'
import { resolveSqlite, sqliteDefaults } from './driver/sqlite/sqlite-options.ts'
import { queueDefaults, resolveQueue } from './queue-options.ts'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')

interface OptionTable {
  readonly head: string
  /** Where its options are declared. */
  readonly sources: readonly (readonly [file: string, ...interfaces: string[]])[]
  readonly defaults: object
  /** What only tests set, and what has a table of its own. */
  readonly left: readonly string[]
  /** @throws ConfigError for what is out of range */
  resolve(options: object): object
}

const tables: readonly OptionTable[] = [
  {
    head: 'option',
    sources: [
      ['queue-options.ts', 'QueueOptions'],
      ['../../core/src/contract/delivery.ts', 'RetryOptions'],
      ['publish/publishing-options.ts', 'PublishingOptions'],
    ],
    defaults: queueDefaults,
    left: ['clock', 'random', 'retry'],
    resolve: (options) => resolveQueue({ driver: memoryDriver(), ...options }),
  },
  {
    head: 'option of `sqliteDriver`',
    sources: [['driver/sqlite/sqlite-options.ts', 'SqliteDriverOptions']],
    defaults: sqliteDefaults,
    left: [],
    resolve: (options) => resolveSqlite({ path: 'queue.db', ...options }),
  },
]

describe.each(tables)('the table "$head" of the README', ({ head, sources, defaults, left, resolve }) => {
  const rows = rowsBelow(head)

  it('has a row for every option, and no other', async () => {
    const found = await Promise.all(sources.map(([file, ...interfaces]) => namesIn(file, interfaces)))
    const names = found.flat().filter((name) => !left.includes(name))
    expect(rows.map(({ name }) => name.replace('retry.', '')).toSorted()).toEqual(names.toSorted())
  })

  it.each(rows.filter(({ default: text }) => number(text) !== undefined))('tells the default of $name', (row) => {
    expect(valueAt(defaults, row.name)).toBe(number(row.default))
  })

  it.each(rows.flatMap((row) => rangeOf(row)))('tells the range of $name', ({ name, least, most }) => {
    for (const value of [least, most]) expect(() => resolve(nested(name, value))).not.toThrow()
    for (const value of [least - 1, most + 1]) expect(() => resolve(nested(name, value))).toThrow(ConfigError)
  })
})

interface Row {
  readonly name: string
  readonly default: string
  readonly range: string
}

function rowsBelow(head: string): readonly Row[] {
  const lines = readme.split('\n')
  const start = lines.findIndex((line) => line === `| ${head} | default | range |`) + 2
  expect(start).toBeGreaterThan(1)
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'))
  return lines.slice(start, start + length).map((line) => {
    const [, first = '', text = '', range = ''] = line.split('|').map((cell) => cell.trim())
    return { name: /^`([^`]+)`/.exec(first)?.[1] ?? first, default: text, range }
  })
}

/** The names of interfaces' properties, as they are written in a file. */
async function namesIn(file: string, interfaces: readonly string[]): Promise<readonly string[]> {
  const source = await readFile(new URL(file, import.meta.url), 'utf8')
  return interfaces.flatMap((name) => {
    const [, body = ''] = new RegExp(`export interface ${name} [^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(source) ?? []
    const names = Array.from(body.matchAll(/^ {2}readonly (\w+)\??:/gm), ([, property = '']) => property)
    expect(names.length, name).toBeGreaterThan(0)
    return names
  })
}

/** Numbers are written in groups of three digits. */
function number(text: string): number | undefined {
  return /^\d[\d ]*$/.test(text) ? Number(text.replaceAll(' ', '')) : undefined
}

function rangeOf({ name, range }: Row): readonly { name: string; least: number; most: number }[] {
  const [, least = '', most = ''] = /^(\d[\d ]*)–(\d[\d ]*)/.exec(range) ?? []
  return most === '' ? [] : [{ name, least: number(least.trim()) ?? 0, most: number(most.trim()) ?? 0 }]
}

function valueAt(of: object, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, name) => Reflect.get(Object(inner), name), of)
}

/** `retry.maxAgeMs` as `{ retry: { maxAgeMs } }`. */
function nested(path: string, value: number): object {
  return path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as object
}
