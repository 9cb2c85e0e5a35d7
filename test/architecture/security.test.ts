import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { jwksDefaults, jwtDefaults } from '@tenon/auth'
import { adminDefaults } from '@tenon/core'
import { tlsDefaults } from '@tenon/core/transport'
import { grpcClientDefaults, grpcDefaults } from '@tenon/transport-grpc'
import { httpClientDefaults, httpDefaults } from '@tenon/transport-http'
import { queueDefaults } from '@tenon/transport-queue'
import { readText } from './source-file.ts'

const root = join(import.meta.dirname, '..', '..')

/** The rows of the table that begins with a head, as their cells. */
function rowsOf(text: string, head: string): readonly (readonly string[])[] {
  const [table = ''] = text.slice(text.indexOf(`| ${head} |`)).split('\n\n')
  const lines = table.trimEnd().split('\n').slice(2)
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

describe('SECURITY.md', () => {
  const rows = rowsOf(readText('SECURITY.md'), 'threat')

  it('names for each threat what protects and a test that attacks it, by a title that it has', () => {
    expect(rows.length).toBeGreaterThan(20)
    for (const [threat = '', protection = '', tests = ''] of rows) {
      expect(protection, threat).not.toBe('')
      for (const { file, titles } of testsOf(tests, threat)) {
        const source = readText(file)
        const missing = titles.filter(
          (title) => !["'", '"', '`'].some((quote) => source.includes(quote + title + quote)),
        )
        expect(missing, `${threat}: ${file}`).toEqual([])
      }
    }
  })

  it('names every test of test/security', () => {
    const files = readdirSync(join(root, 'test', 'security')).filter((name) => name.endsWith('.test.ts'))
    const named = rows.flatMap(([threat = '', , tests = '']) => testsOf(tests, threat).map(({ file }) => file))
    for (const file of files) expect(named).toContain(`test/security/${file}`)
  })
})

/** What a cell names: `[name](file) "title", "title"<br>…`. */
function testsOf(cell: string, threat: string) {
  return cell.split('<br>').map((entry) => {
    const [, file = '', quoted = ''] = /^\[[\w-]+\]\((\S+\.test\.ts)\) ("[^]+")$/.exec(entry) ?? []
    expect(file, `${threat}: ${entry}`).not.toBe('')
    return { file, titles: quoted.slice(1, -1).split('", "') }
  })
}

/** Where options have their defaults. */
const defaultsOf: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  httpTransport: httpDefaults,
  grpcTransport: grpcDefaults,
  queueTransport: queueDefaults,
  tls: tlsDefaults,
  admin: adminDefaults,
  jwtAuthenticator: jwtDefaults,
  jwks: jwksDefaults,
  httpClient: httpClientDefaults,
  grpcClient: grpcClientDefaults,
}

describe('docs/security.md', () => {
  const rows = rowsOf(readText('docs', 'security.md'), 'setting').map(([setting = '', shown = '', why = '']) => {
    const [, owner = '', option = ''] = /^`(\w+)\.(\w+)`$/.exec(setting) ?? []
    return { owner, option, shown, why }
  })

  it('tells each default as it is, and why', () => {
    for (const { owner, option, shown, why } of rows) {
      const defaults = defaultsOf[owner]
      if (defaults === undefined) throw new Error(`${owner} of ${option} has no defaults`)
      expect([owner, option, shown]).toEqual([owner, option, textOf(option, defaults[option])])
      expect(why, option).not.toBe('')
    }
  })

  it('has a row for every limit of the servers and of what is read from others', () => {
    const limits = Object.entries(defaultsOf).flatMap(([owner, defaults]) =>
      Object.keys(defaults).flatMap((option) => (/Bytes$|^max|^host$/.test(option) ? [`${owner}.${option}`] : [])),
    )
    const named = rows.map(({ owner, option }) => `${owner}.${option}`)
    expect(limits.filter((limit) => !named.includes(limit))).toEqual([])
  })
})

/** A default as the table writes it: numbers with spaces, and modes of files as such. */
function textOf(option: string, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'boolean') return `\`${value}\``
  if (typeof value !== 'number') return 'none'
  if (option.endsWith('Mode')) return `0o${value.toString(8)}`
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ' ')
}
