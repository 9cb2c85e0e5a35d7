import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ExitCode } from '../command/command.ts'
import type { Terminal } from '../terminal.ts'
import { type ComparedFile, compareFile } from './compared-file.ts'
import type { GeneratedFile } from './generated-file.ts'
import { type EarlierPlace, obsoleteFiles } from './obsolete-files.ts'

/** Where files go, and what becomes of those that are there. */
export interface WriteOptions extends EarlierPlace {
  /** Writes nothing: the exit code says whether there would be anything to write. */
  readonly isCheck: boolean
  /** Files that differ are written without a question. */
  readonly isOverwrite: boolean
  readonly isJson: boolean
  readonly terminal: Terminal
  /** Lines for people behind the files, such as what to do next. Left out by `isCheck`. */
  readonly notes?: readonly string[]
}

/**
 * Writes what is new. What differs is shown as a diff, and written only with `isOverwrite`, or when somebody at a terminal says yes.
 *
 * @returns 1 when something of it is not written, else 0
 */
export async function writeFiles(files: readonly GeneratedFile[], options: WriteOptions): Promise<ExitCode> {
  const told: ToldFile[] = []
  for (const file of files) told.push(await settle(await compareFile(file, options.outFolder), options))
  const obsolete = await obsoleteFiles(files, options)
  const isOk = told.every(({ state, isWritten }) => state === 'same' || state === 'yours' || isWritten)
  tell({ told, obsolete, isOk }, options)
  return isOk ? 0 : 1
}

type ToldFile = ComparedFile & { readonly isWritten: boolean }

async function settle(file: ComparedFile, options: WriteOptions): Promise<ToldFile> {
  if (!options.isJson && file.state === 'differs')
    options.terminal.print(paintedDiff(file.diff, options.terminal.paint))
  const isWritten = await mayWrite(file, options)
  if (isWritten) {
    const path = join(options.outFolder, file.path)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, file.text)
  }
  return { ...file, isWritten }
}

async function mayWrite({ state, path }: ComparedFile, options: WriteOptions): Promise<boolean> {
  if (options.isCheck || state === 'same' || state === 'yours') return false
  if (state === 'new' || options.isOverwrite) return true
  if (options.isJson || options.terminal.ask === undefined) return false
  return /^y(es)?$/i.test((await options.terminal.ask(`overwrite ${path}? [y/N] `)).trim())
}

interface Outcome {
  readonly told: readonly ToldFile[]
  readonly obsolete: readonly string[]
  readonly isOk: boolean
}

function tell({ told, obsolete, isOk }: Outcome, { terminal, isJson, isCheck, notes = [] }: WriteOptions): void {
  if (isJson) {
    const files = told.map(({ text: _text, isStarter: _isStarter, ...file }) => file)
    terminal.print(JSON.stringify({ ok: isOk, files, obsolete }))
    return
  }
  for (const file of told) terminal.print(`${wordOf(file, isCheck).padEnd(wordWidth)}  ${file.path}`)
  for (const path of obsolete)
    terminal.print(`${'obsolete'.padEnd(wordWidth)}  ${path}: it is generated no more, remove it`)
  if (isCheck || !isOk) terminal.print(verdictOf(isOk, isCheck))
  else for (const note of notes) terminal.print(note)
}

const wordWidth = 'overwritten'.length

function wordOf({ state, isWritten }: ToldFile, isCheck: boolean): string {
  if (state === 'new' && isCheck) return 'missing'
  return state === 'differs' && isWritten ? 'overwritten' : state
}

function verdictOf(isOk: boolean, isCheck: boolean): string {
  if (isOk) return 'everything is as it would be generated'
  return isCheck
    ? 'not as it would be generated: run the command without --check'
    : 'what differs was kept: --overwrite writes it'
}

function paintedDiff(diff: string, paint: Terminal['paint']): string {
  return diff
    .split('\n')
    .map((line) => {
      if (line.startsWith('+')) return paint('green', line)
      return line.startsWith('-') ? paint('red', line) : line
    })
    .join('\n')
}
