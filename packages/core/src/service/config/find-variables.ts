import { readFileSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { parseEnv } from 'node:util'
import type { SetupProblem } from '../../error/setup-error.ts'
import { type Environment, isVariableName } from './config.ts'

/** Where to look for variables, and for which. */
export interface ConfigSources {
  /** @defaultValue `process.env`, and outside production also `.env` of the working directory */
  readonly environment?: Environment | undefined
  /** Folders that hold one file a variable. TENON_CONFIG_DIR takes their place. */
  readonly configFiles?: string | readonly string[] | undefined
  /** The variables that files are read for. */
  readonly variables: readonly string[]
}

/** Variables from all sources. */
export interface FoundVariables {
  /** The environment, with what it leaves out from mounted files, and then from `.env`. */
  readonly environment: Environment
  /** The file a variable came from, for messages; none for one of the environment. */
  readonly origins: ReadonlyMap<string, string>
  /** Sources that could not be read. */
  readonly problems: readonly SetupProblem[]
}

/**
 * Gathers variables. The environment counts first, then files in mounted folders, as Kubernetes makes them of a ConfigMap or
 * a Secret, then `.env`, which is for development: it is read neither in production nor where an environment is given. A
 * variable with empty text is one that is not set.
 */
export function findVariables(sources: ConfigSources): FoundVariables {
  const given = sources.environment ?? process.env
  const found: Record<string, string | undefined> = { ...given }
  const origins = new Map<string, string>()
  const problems: SetupProblem[] = []
  const add = (variable: string, text: string | undefined, origin: string): void => {
    if (found[variable] || !text) return
    found[variable] = text
    origins.set(variable, origin)
  }
  const variables = sources.variables.filter(isVariableName)
  const { folders, problems: missing } = foldersOf(sources.configFiles, given)
  problems.push(...missing)
  for (const folder of folders)
    for (const variable of variables) {
      const path = join(folder, variable)
      const { text, problem } = readText(path, variable)
      if (problem) problems.push(problem)
      add(variable, text && withoutLastNewline(text), path)
    }
  if (sources.environment === undefined && given['NODE_ENV'] !== 'production') {
    const path = join(process.cwd(), '.env')
    const { text = '', problem } = readText(path, '.env')
    if (problem) problems.push(problem)
    const lines = parseEnv(text)
    for (const variable of variables) add(variable, lines[variable], '.env')
  }
  return { environment: found, origins, problems }
}

/** A folder that code names need not be there, as it is not on a developer's machine; one that the environment names must. */
function foldersOf(configFiles: ConfigSources['configFiles'] = [], environment: Environment) {
  const named = environment['TENON_CONFIG_DIR']
  const folders = named ? named.split(delimiter) : typeof configFiles === 'string' ? [configFiles] : configFiles
  const problems = folders.flatMap((folder): SetupProblem[] => {
    const stat = statSync(folder, { throwIfNoEntry: false })
    if (stat?.isDirectory() || (stat === undefined && !named)) return []
    const message = `${named ? 'TENON_CONFIG_DIR' : 'configFiles'}: expected a folder, found ${JSON.stringify(folder)}, which is ${stat ? 'none' : 'not there'}`
    return [{ code: 'config.malformed', message }]
  })
  return { folders: problems.length > 0 ? [] : folders, problems }
}

interface ReadText {
  readonly text?: string
  readonly problem?: SetupProblem
}

/** Nothing for a file that is not there. */
function readText(path: string, what: string): ReadText {
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
