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

/** The figures of a run as a table in Markdown, one program a row; a cell is the median of the figure `title: program` in that unit, and empty where a program has none. */
export function peerTable({ measuredAt, machine, figures }: Report, { columns, notes }: Table): string {
  const programs = [...new Set(columns.flatMap((column) => programsOf(figures, column)))]
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

function programsOf(figures: readonly Figure[], { title, unit }: Column): readonly string[] {
  const prefix = `${title}: `
  const names = figures
    .filter((figure) => figure.name.startsWith(prefix) && figure.unit === unit)
    .map(({ name }) => name)
  if (names.length === 0) throw new Error(`no figure "${title}: …" in ${unit}`)
  return names.map((name) => name.slice(prefix.length))
}

function cell(figures: readonly Figure[], { title, unit }: Column, program: string): string {
  const figure = figures.find((each) => each.name === `${title}: ${program}` && each.unit === unit)
  return figure ? shorten(figure.spread.median) : ''
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
