import { statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { parseEnv } from 'node:util'
import type { SetupProblem } from '../../error/setup-error.ts'
import type { ConfigTexts } from '../../registry/config-source.ts'
import { type Environment, isVariableName } from './config.ts'
import { readFolder, readText } from './read-folder.ts'

/** Where to look for variables, and for which. */
export interface VariableSources {
  /** @defaultValue `process.env`, and outside production also `.env` of the working directory */
  readonly environment?: Environment | undefined
  /** Folders that hold one file a variable. TENON_CONFIG_DIR takes their place. */
  readonly configFiles?: string | readonly string[] | undefined
  /** The variables that files are read for. */
  readonly variables: readonly string[]
}

/** One of the places that variables come from. */
export interface ConfigLayer {
  readonly texts: ConfigTexts
  /** Where in it a variable is, for messages. */
  originOf(variable: string): string
}

/** What a mounted folder holds. */
export interface FolderLayer extends ConfigLayer {
  readonly folder: string
}

/** The places behind the environment, which counts before all of them. */
export interface ConfigPlaces {
  readonly given: Environment
  /** The first counts most. */
  readonly folders: readonly FolderLayer[]
  /** Counts least. Empty where it is not read. */
  readonly dotEnv: ConfigLayer
}

/** Variables from several places. */
export interface MergedVariables {
  /** The environment, with what it leaves out from the other places. */
  readonly environment: Environment
  /** Where a variable came from, for messages; none for one of the environment. */
  readonly origins: ReadonlyMap<string, string>
}

/** Variables, and where they were looked for. */
export interface FoundVariables extends MergedVariables {
  readonly places: ConfigPlaces
  /** Places that could not be read. */
  readonly problems: readonly SetupProblem[]
}

/**
 * Gathers variables. The environment counts first, then files in mounted folders, as Kubernetes makes them of a ConfigMap or
 * a Secret, then `.env`, which is for development: it is read neither in production nor where an environment is given. A
 * variable with empty text is one that is not set.
 */
export function findVariables(sources: VariableSources): FoundVariables {
  const given = { ...(sources.environment ?? process.env) }
  const variables = sources.variables.filter(isVariableName)
  const { folders, problems } = foldersOf(sources.configFiles, given)
  const readings = folders.map((folder) => ({ folder, ...readFolder(folder, variables) }))
  const isDotEnvRead = sources.environment === undefined && given['NODE_ENV'] !== 'production'
  const { text = '', problem } = isDotEnvRead ? readText(join(process.cwd(), '.env'), '.env') : {}
  const lines = parseEnv(text)
  const places: ConfigPlaces = {
    given,
    folders: readings.map(({ folder, texts }) => ({ folder, texts, originOf: (variable) => join(folder, variable) })),
    dotEnv: { texts: pick(lines, variables), originOf: () => '.env' },
  }
  return {
    ...mergeLayers(given, [...places.folders, places.dotEnv]),
    places,
    problems: [...problems, ...readings.flatMap((reading) => reading.problems), ...(problem ? [problem] : [])],
  }
}

/** Of several places that set a variable the first counts; empty text sets nothing. */
export function mergeLayers(given: Environment, layers: readonly ConfigLayer[]): MergedVariables {
  const environment: Record<string, string | undefined> = { ...given }
  const origins = new Map<string, string>()
  for (const layer of layers)
    for (const [variable, text] of Object.entries(layer.texts)) {
      if (environment[variable] || !text) continue
      environment[variable] = text
      origins.set(variable, layer.originOf(variable))
    }
  return { environment, origins }
}

/** A folder that code names need not be there, as it is not on a developer's machine; one that the environment names must. */
function foldersOf(configFiles: VariableSources['configFiles'] = [], environment: Environment) {
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

function pick(lines: Readonly<Record<string, string | undefined>>, variables: readonly string[]): ConfigTexts {
  return Object.fromEntries(
    variables.flatMap((variable) => (lines[variable] === undefined ? [] : [[variable, lines[variable]]])),
  )
}
