import type { Figure, Report } from './figure.ts'

/** What a table shows of each program. */
export interface Table {
  /** The first words of each row, which tell more of a program than its name; its name without. */
  readonly notes?: Readonly<Record<string, string>>
  readonly columns: readonly Column[]
}

export interface Column {
  readonly header: string
  readonly title: string
  readonly unit: string
}

/** The figures of a run as a table in Markdown, one program a row; a cell is the median of the figure `title: program` in that unit. */
export function peerTable({ measuredAt, machine, figures }: Report, { columns, notes }: Table): string {
  const programs = programsOf(figures, columns)
  const noteHeader = notes ? ['validates'] : []
  const rows = programs.map((program) => [
    program,
    ...(notes ? [notes[program] ?? ''] : []),
    ...columns.map((column) => cell(figures, column, program)),
  ])
  const judged = figures.filter(({ target }) => target !== undefined)
  return [
    toRow(['', ...noteHeader, ...columns.map(({ header }) => header)]),
    toRow(['---', ...noteHeader.map(() => '---'), ...columns.map(() => '---:')]),
    ...rows.map(toRow),
    '',
    ...judged.map((figure) => `- ${toSentence(figure)}`),
    '',
    `Medians of ${figures[0]?.spread.roundCount ?? 0} rounds, Node ${machine.node}, ${machine.platform}, ${machine.cores} cores, ${measuredAt.slice(0, 10)}.`,
  ].join('\n')
}

function programsOf(figures: readonly Figure[], [first]: readonly Column[]): readonly string[] {
  const prefix = `${first?.title}: `
  return figures
    .filter(({ name, unit }) => name.startsWith(prefix) && unit === first?.unit)
    .map(({ name }) => name.slice(prefix.length))
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
