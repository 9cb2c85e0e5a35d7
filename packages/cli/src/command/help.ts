import type { Terminal } from '../terminal.ts'
import type { Command } from './command.ts'

/** A command as the list of all shows it. */
export interface ListedCommand {
  readonly usage: string
  readonly summary: string
}

/** What `tenon help` prints. */
export function overview(commands: readonly ListedCommand[], paint: Terminal['paint']): string {
  return [
    `${paint('bold', 'tenon')} <command>`,
    '',
    ...aligned(commands.map(({ usage, summary }) => [usage, summary])),
    '',
    'tenon help <command> tells more. Exit codes: 0 fine, 1 the verdict is bad, 2 wrong usage.',
  ].join('\n')
}

/** What `tenon help <command>` prints. */
export function helpOf({ usage, summary, options, notes = [] }: Command, paint: Terminal['paint']): string {
  const rows = Object.entries(options).map(([name, { value, about }]) => [
    value === undefined ? `--${name}` : `--${name} ${value}`,
    about,
  ])
  return [
    `${paint('bold', `tenon ${usage}`)}`,
    '',
    summary,
    '',
    ...aligned(rows),
    ...(notes.length > 0 ? ['', ...notes] : []),
  ].join('\n')
}

/** Rows with their second column at one place. */
export function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const width = Math.max(0, ...rows.map(([first = '']) => first.length))
  return rows.map(([first = '', ...rest]) => `  ${first.padEnd(width)}  ${rest.join('  ')}`.trimEnd())
}
