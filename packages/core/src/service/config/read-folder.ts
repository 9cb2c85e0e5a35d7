import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { SetupProblem } from '../../error/setup-error.ts'
import type { ConfigTexts } from '../../registry/config-source.ts'

/** What a folder holds of the variables that are asked for. */
export interface FolderReading {
  readonly texts: ConfigTexts
  /** Files that are there and cannot be read. */
  readonly problems: readonly SetupProblem[]
  /** Whether all of it was put there at once, as Kubernetes does, so that it is no half of a change. */
  readonly isWhole: boolean
}

/**
 * Reads a folder that holds one file a variable. One that Kubernetes mounts changes as a whole, when its link `..data` is swapped: it is
 * read from the one side of a swap or the other, never from both.
 *
 * @see Kubernetes, `pkg/volume/util/atomic_writer.go`: `..data` is renamed, which is atomic; links of single keys are made and removed at other moments
 */
export function readFolder(folder: string, variables: readonly string[]): FolderReading {
  for (let swapCount = 0; ; swapCount += 1) {
    const data = linkOf(folder)
    const reading = readFiles(data === undefined ? [folder] : [join(folder, data), folder], variables)
    if (linkOf(folder) === data || swapCount === mostSwapCount) return { ...reading, isWhole: data !== undefined }
  }
}

/** A guess: a folder that is swapped while it is read, and again, is one that somebody plays with. */
const mostSwapCount = 10

/** Nothing where there is no such link. */
function linkOf(folder: string): string | undefined {
  try {
    return readlinkSync(join(folder, '..data'))
  } catch {
    return undefined
  }
}

/** Of several folders the file in the first one counts. */
function readFiles(folders: readonly string[], variables: readonly string[]) {
  const problems: SetupProblem[] = []
  const texts: Record<string, string> = {}
  for (const variable of variables) {
    const readings = folders.map((folder) => readText(join(folder, variable), variable))
    const { text, problem } = readings.find((one) => one.text !== undefined || one.problem !== undefined) ?? {}
    if (problem) problems.push(problem)
    if (text !== undefined) texts[variable] = withoutLastNewline(text)
  }
  return { texts, problems }
}

export interface ReadText {
  readonly text?: string
  readonly problem?: SetupProblem
}

/** Nothing for a file that is not there. */
export function readText(path: string, what: string): ReadText {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') return {}
    const reason = code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is no UTF-8 text' : String(code ?? error)
    return { problem: { code: 'config.malformed', message: `${what}: the file ${path} cannot be read: ${reason}` } }
  }
}

/** An editor, and `echo`, end a file with a newline that nobody means. */
function withoutLastNewline(text: string): string {
  return text.replace(/\r?\n$/, '')
}
