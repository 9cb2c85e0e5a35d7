import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Report } from './figure.ts'
import { peerTable } from './peer-table.ts'
import { type PublishedPart, publishedTables } from './published-table.ts'
import { toJson } from './report.ts'

const readme = new URL('../README.md', import.meta.url)

/** The runs whose tables stand in the README. */
const publishedFolder = new URL('../published/', import.meta.url)

/** Whether a part has a table in the README. */
export function isPublished(part: string): part is PublishedPart {
  return Object.hasOwn(publishedTables, part)
}

/** Keeps the run in the repository and writes its table into the README. */
export function publish(part: PublishedPart, result: Report): void {
  mkdirSync(publishedFolder, { recursive: true })
  writeFileSync(new URL(`${part}.json`, publishedFolder), toJson(result))
  const text = readFileSync(readme, 'utf8')
  // Between these the table stands.
  const tableMarks = new RegExp(`(<!-- table of ${part} -->\\n)[\\s\\S]*?(<!-- end of table -->)`)
  if (!tableMarks.test(text)) throw new Error(`benchmarks/README.md has no marks for the table of ${part}`)
  const table = peerTable(result, publishedTables[part])
  const withTable = (_all: string, before: string, after: string) => `${before}\n${table}\n\n${after}`
  writeFileSync(readme, text.replace(tableMarks, withTable))
}
