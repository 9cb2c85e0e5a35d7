import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const rows = readFileSync(join(root, 'SECURITY.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| threat') && !line.startsWith('| ---'))
  .map((line) => line.slice(2, -2).split(' | '))

it('the threats of SECURITY.md are rows of four cells', () => {
  expect(rows.length).toBeGreaterThan(30)
  expect(rows.filter((cells) => cells.length !== 4)).toEqual([])
})

it.each(rows)('%s: its test exists', (_threat, _protection, test = '', title = '') => {
  const path = join(root, test.replaceAll('`', ''))
  expect(path).toMatch(/\.test\.ts$/)
  expect(existsSync(path)).toBe(true)
  // A quote is written with a backslash before it, where it is the one that encloses the title.
  expect(readFileSync(path, 'utf8').replaceAll('\\', '')).toContain(title)
})
