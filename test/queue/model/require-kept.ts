import type { RunVerdict } from './run-scenario.ts'

/** @throws Error that names what was not kept, with the end of the journal */
export function requireKept({ violations, journal }: RunVerdict): void {
  if (violations.length === 0) return
  const found = violations.slice(0, shownCount).map(({ rule, text }) => `${rule}: ${text}`)
  const last = journal.facts.slice(-shownFactCount).map((fact) => JSON.stringify(fact))
  throw new Error([...found, 'The last that happened:', ...last].join('\n'))
}

const shownCount = 5
const shownFactCount = 40
