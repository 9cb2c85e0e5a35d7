import type { Figure, Report } from './figure.ts'
import { getById, validatedPost } from './load/http-request.ts'

interface Column {
  readonly header: string
  readonly title: string
  readonly unit: string
}

/** The columns of the table; a cell is the median of the figure `title: program` in that unit. */
const columns: readonly Column[] = [
  { header: 'GET µs CPU', title: getById.name, unit: 'µs CPU/request' },
  { header: 'GET/s', title: getById.name, unit: 'requests/s' },
  { header: 'POST µs CPU', title: validatedPost.name, unit: 'µs CPU/request' },
  { header: 'POST/s', title: validatedPost.name, unit: 'requests/s' },
  { header: 'p50 ms', title: `${validatedPost.name} at 1000/s`, unit: 'ms p50' },
  { header: 'p99 ms', title: `${validatedPost.name} at 1000/s`, unit: 'ms p99' },
  { header: 'start ms', title: 'start-up', unit: 'ms' },
  { header: 'MB RSS', title: 'memory after 20000 requests', unit: 'MB RSS' },
]

/** The figures of `npm run bench -- http-peers` as a table in Markdown, one program a row. */
export function httpTable({ measuredAt, machine, figures }: Report): string {
  const prefix = `${getById.name}: `
  const programs = figures
    .filter(({ name, unit }) => name.startsWith(prefix) && unit === 'µs CPU/request')
    .map(({ name }) => name.slice(prefix.length))
  const rows = programs.map((program) => [program, ...columns.map((column) => cell(figures, column, program))])
  const judged = figures.filter(({ target }) => target !== undefined)
  return [
    toRow(['', ...columns.map(({ header }) => header)]),
    toRow(['---', ...columns.map(() => '---:')]),
    ...rows.map(toRow),
    '',
    ...judged.map((figure) => `- ${toSentence(figure)}`),
    '',
    `Medians of ${figures[0]?.spread.roundCount ?? 0} rounds, Node ${machine.node}, ${machine.platform}, ${machine.cores} cores, ${measuredAt.slice(0, 10)}.`,
  ].join('\n')
}

function cell(figures: readonly Figure[], { title, unit }: Column, program: string): string {
  const figure = figures.find((each) => each.name === `${title}: ${program}` && each.unit === unit)
  if (figure === undefined) throw new Error(`no figure "${title}: ${program}" in ${unit}`)
  return shorten(figure.spread.median)
}

function toSentence({ name, unit, spread, target }: Figure): string {
  const { median, min, max } = spread
  return `${name}: ${shorten(median)} ${unit} (${shorten(min)} – ${shorten(max)}), target ≤ ${shorten(target ?? Number.NaN)}`
}

function toRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function shorten(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
