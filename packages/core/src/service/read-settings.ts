import { ConfigError, type SetupProblem } from '../error/setup-error.ts'
import { findVariables } from './config/find-variables.ts'
import type { ConfigSpec, Environment } from './config/config.ts'
import { instanceVariables } from './instance-options.ts'
import { readSources } from './live/config-sources.ts'
import { LiveConfig } from './live/live-config.ts'
import type { Settings } from './live/live-setting.ts'
import { resolveServiceOptions, type ServiceOptions, type ServiceSettings } from './service-options.ts'
import type { GivenSettings } from './start-options.ts'

/** Everything a service takes from outside its code. */
export interface ServiceReading<Config extends ConfigSpec> {
  /** From the environment, mounted files and `.env`. */
  readonly environment: Environment
  readonly settings: ServiceSettings
  /** Whole only without problems: what could not be read has its reader's example in its place. */
  readonly config: Settings<Config>
  /** The same settings, for who starts the service and follows them. */
  readonly live: LiveConfig<Config>
  /** What is wrong with the places that settings come from. */
  readonly placeProblems: readonly SetupProblem[]
  /** What is wrong with the settings, without what `configSources` say, which nobody asks here. */
  readonly configProblems: readonly SetupProblem[]
  /** What is wrong with the plain options. */
  readonly optionProblems: readonly SetupProblem[]
}

/**
 * Reads options and settings. Reads files, so it belongs to the start of a service. Connects to nothing.
 *
 * @param environment The process's own, with `.env`, when it is left out.
 * @param given Values of settings, which count before any variable.
 */
export function readSettings<Config extends ConfigSpec>(
  options: ServiceOptions<Config>,
  environment: Environment | undefined,
  given: GivenSettings<Config> = {},
): ServiceReading<Config> {
  const spec = options.config ?? ({} as Config)
  const variables = [...ownVariables, ...Object.values(spec).map(({ variable }) => variable)]
  const found = findVariables({ environment, configFiles: options.configFiles, variables })
  const plain = resolveServiceOptions(options, found.environment)
  const { sources, problems } = readSources(options.configSources, found.environment)
  const live = new LiveConfig({ spec, places: found.places, sources, given })
  return {
    environment: found.environment,
    settings: plain.settings,
    config: live.settings,
    live,
    placeProblems: [...found.problems, ...problems],
    configProblems: live.problems,
    optionProblems: plain.problems,
  }
}

/**
 * As `readSettings`.
 *
 * @throws ConfigError of all problems; of those of settings only where no source is to be asked that may have what is not set.
 */
export function requireSettings<Config extends ConfigSpec>(
  options: ServiceOptions<Config>,
  environment: Environment | undefined,
  given?: GivenSettings<Config>,
): ServiceReading<Config> {
  const reading = readSettings(options, environment, given)
  const { optionProblems, placeProblems, configProblems, live } = reading
  const problems = [...optionProblems, ...placeProblems, ...(live.sources.length > 0 ? [] : configProblems)]
  if (problems.length > 0) throw new ConfigError(problems)
  return reading
}

/** The variables that Tenon itself reads, besides NODE_ENV and those that the platform sets. */
const ownVariables: readonly string[] = ['LOG_LEVEL', 'TENON_HOST', 'TENON_KILL_DELAY_MS', ...instanceVariables]
