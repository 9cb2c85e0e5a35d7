import { writeFileSync } from 'node:fs'
import type { RunVerdict } from './run-scenario.ts'
export function requireKept({ violations, journal }: RunVerdict): void {
  if (violations.length === 0) return
  writeFileSync('/tmp/journal.txt', journal.facts.map((fact) => JSON.stringify(fact)).join('\n'))
  throw new Error(violations.map(({ rule, text }) => `${rule}: ${text}`).join('\n'))
}
