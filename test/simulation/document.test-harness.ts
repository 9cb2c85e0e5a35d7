import { readFileSync } from 'node:fs'
import type { Scenario } from './scenario.ts'
import type { Size } from './simulate.ts'
import { titleOf } from './table.ts'

/** What a document says beside what is computed. */
export class Document {
  readonly text: string

  /** @param name `balance.md` */
  constructor(name: string) {
    this.text = readFileSync(new URL(name, import.meta.url), 'utf8')
  }

  /** The row of a policy; empty where there is none. */
  row(scenario: Scenario, size: Size, name: string): string {
    return this.#rowsUnder(scenario, size).find((row) => row.startsWith(`| ${name} | `)) ?? ''
  }

  /** What a row says, as numbers by the headings of its columns. */
  figures(scenario: Scenario, size: Size, name: string): Readonly<Record<string, number>> {
    const cells = (row = '') => row.split(/ ?\| ?/).slice(2, -1)
    const figures = cells(this.row(scenario, size, name))
    const headings = cells(this.#rowsUnder(scenario, size)[0])
    return Object.fromEntries(headings.map((heading, place) => [heading, Number(figures[place])]))
  }

  /** The first of them has the headings. */
  #rowsUnder(scenario: Scenario, size: Size): readonly string[] {
    const title = titleOf(scenario, size)
    const section = this.text.split(/^## /m).find((one) => one.startsWith(`${title}\n`)) ?? ''
    return section.split('\n').filter((line) => line.startsWith('| '))
  }
}

/** Whether all is computed that the documents say, and not a part of it: see `.ci/soak.d/simulation` for how long that takes. */
export const isWhole = process.env['TENON_SIMULATION'] === 'all'
/** How long one document may take, on a machine that has other work as well. */
export const wholeLimitMs = 3_600_000

/** @throws Error where there is none */
export function named(scenarios: readonly Scenario[], name: string): Scenario {
  const scenario = scenarios.find((one) => one.name === name)
  if (scenario === undefined) throw new Error(`there is no ${name}`)
  return scenario
}
