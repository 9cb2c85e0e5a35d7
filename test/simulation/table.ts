import type { RemotePolicy } from '@tenon/core'
import type { Scenario } from './scenario.ts'
import { type Result, type Size, simulate } from './simulate.ts'

/** A size, and what is compared in it. */
export interface Comparison {
  readonly size: Size
  readonly scenarios: readonly Scenario[]
  readonly names: readonly string[]
}

/** What is told of each result, by its heading. */
type Columns = Readonly<Record<string, (result: Result) => string>>

export interface TableOptions {
  /** What stands before it, by lines. */
  readonly preface: readonly string[]
  /** What its rows are: `balancer`. */
  readonly subject: string
  /** What is compared, by its names. */
  readonly policies: Readonly<Record<string, RemotePolicy>>
  readonly comparisons: readonly Comparison[]
  /** What a row says, by its headings. */
  readonly columns: Columns
}

/** What of a table is computed. */
export interface RowOptions {
  readonly scenario: Scenario
  readonly size: Size
  readonly name: string
}

/** A document that simulations print: a table for each scenario and size. */
export class Table {
  readonly #options: TableOptions

  constructor(options: TableOptions) {
    this.#options = options
  }

  /** Another seed gives another row; that of the document where none is given. */
  resultOf({ scenario, size, name }: RowOptions, seed = 20_261_122): Promise<Result> {
    const policy = this.#options.policies[name]
    if (policy === undefined) throw new Error(`there is no policy ${name}`)
    return simulate({ scenario, size, policy, seed })
  }

  /** What the document says of a result. */
  rowOf(name: string, result: Result): string {
    return toRow([name, ...Object.values(this.#options.columns).map((cell) => cell(result))])
  }

  /** All of it, line by line as they come. */
  async *lines(): AsyncGenerator<string> {
    const { preface, subject, comparisons, columns } = this.#options
    yield* preface
    for (const { size, scenarios, names } of comparisons)
      for (const scenario of scenarios) {
        yield `\n## ${titleOf(scenario, size)}\n`
        const headings = [subject, ...Object.keys(columns)]
        yield toRow(headings)
        yield toRow(headings.map(() => '---'))
        for (const name of names) yield this.rowOf(name, await this.resultOf({ scenario, size, name }))
      }
  }
}

export function titleOf({ name }: Scenario, { instanceCount }: Size): string {
  return `${name}, ${instanceCount} instances`
}

export const timeColumns: Columns = {
  'p50 ms': ({ affected }) => affected.p50Ms.toFixed(0),
  'p99 ms': ({ affected }) => affected.p99Ms.toFixed(0),
  'failed %': ({ affected }) => (affected.failedRatio * 100).toFixed(2),
}

export const loadColumns: Columns = {
  'least load': ({ load }) => load.least.toFixed(2),
  'most load': ({ load }) => load.most.toFixed(2),
}

/** Seconds with one decimal. */
export function toSeconds(ms: number | undefined): string {
  return ms === undefined ? 'none' : (ms / 1_000).toFixed(1)
}

function toRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

/** What is left without ejection and slow start. */
export const alone = { ejection: false, warmUpMs: 0 } as const satisfies RemotePolicy

export const small: Size = { instanceCount: 10, clientCount: 10, serviceMs: 40, groupSize: 1 }
export const large: Size = { instanceCount: 1_000, clientCount: 50, serviceMs: 150, groupSize: 10 }
