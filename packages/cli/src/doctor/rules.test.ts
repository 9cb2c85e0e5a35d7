import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { rules } from './rules.ts'

it('docs/doctor.md has a row for each rule, with its severity, in the same order', async () => {
  const page = await readFile(new URL('../../../../docs/doctor.md', import.meta.url), 'utf8')
  const rows = Array.from(page.matchAll(/^\| `([a-z-]+)` \| (error|warning) \| (.+) \|$/gm))
  expect(rows.map(([, id, severity]) => `${id} ${severity}`)).toEqual(
    rules.map(({ id, severity }) => `${id} ${severity}`),
  )
  for (const [row, , , rest = ''] of rows)
    expect(
      rest.split(' | ').filter((cell) => cell.trim() !== ''),
      row,
    ).toHaveLength(4)
})
