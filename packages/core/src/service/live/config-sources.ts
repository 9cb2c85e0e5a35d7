import { SetupError, type SetupProblem } from '../../error/setup-error.ts'
import type { ConfigSource } from '../../registry/config-source.ts'
import type { Environment } from '../config/config.ts'

/** Sources of settings beside the environment and mounted files; of several that set a variable the first one counts. */
export type ConfigSources = readonly (ConfigSource | ChosenSource)[]

/** A source, and whether a service starts without it. */
export interface ChosenSource {
  readonly source: ConfigSource
  /**
   * Whether a start fails when the source cannot be read in time. Without such a source it goes on with what others say, and follows
   * the source as soon as that is there.
   */
  readonly isRequired: boolean
}

/** Sources, and what is wrong with them. */
export interface ReadSources {
  readonly sources: readonly ChosenSource[]
  readonly problems: readonly SetupProblem[]
}

/** Makes the sources of a service: `config.malformed`, and what the function throws. Connects to nothing. */
export function readSources(
  make: ((environment: Environment) => ConfigSources) | undefined,
  environment: Environment,
): ReadSources {
  try {
    const entries = make?.(environment) ?? []
    return { sources: entries.filter(isSource).map(toChosen), problems: entries.flatMap(checkEntry) }
  } catch (cause) {
    if (cause instanceof SetupError) return { sources: [], problems: cause.problems }
    const reason = cause instanceof Error ? cause.message : String(cause)
    return { sources: [], problems: [{ code: 'config.malformed', message: `configSources failed: ${reason}` }] }
  }
}

function toChosen(entry: ConfigSource | ChosenSource): ChosenSource {
  return 'source' in entry ? entry : { source: entry, isRequired: true }
}

/** What is written without types, or comes out of a circle of imports, may be anything. */
function isSource(entry: Partial<ConfigSource & ChosenSource> | undefined): boolean {
  const source: Partial<ConfigSource> | undefined = entry?.source ?? entry
  return typeof source?.watch === 'function' && typeof source.name === 'string'
}

function checkEntry(entry: ConfigSource | ChosenSource, index: number): readonly SetupProblem[] {
  if (isSource(entry)) return []
  const message = `configSources[${index}]: expected a source such as consulSource() gives, or { source, isRequired }, found something else`
  return [{ code: 'config.malformed', message }]
}
