import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Report } from './figure.ts'
import { httpTable } from './http-table.ts'
import { toJson } from './report.ts'

const readme = new URL('../README.md', import.meta.url)

/** The run whose table stands in the README. */
const publishedFile = new URL('../published/http-peers.json', import.meta.url)

/** Between these the README's table stands. */
const tableMarks = /(<!-- table of http-peers -->\n)[\s\S]*?(<!-- end of table -->)/

/** Keeps the run in the repository and writes its table into the README. */
export function publish(result: Report): void {
  mkdirSync(new URL('.', publishedFile), { recursive: true })
  writeFileSync(publishedFile, toJson(result))
  const text = readFileSync(readme, 'utf8')
  if (!tableMarks.test(text)) throw new Error('benchmarks/README.md has no marks for the table')
  const withTable = (_all: string, before: string, after: string) => `${before}\n${httpTable(result)}\n\n${after}`
  writeFileSync(readme, text.replace(tableMarks, withTable))
}
