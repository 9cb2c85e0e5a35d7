import { ConfigError, type SetupProblem } from '../error/setup-error.ts'
import { findVariables } from './config/find-variables.ts'
import type { ConfigSpec, Environment, SettingsOf } from './config/config.ts'
import { readConfig } from './config/read-config.ts'
import { instanceVariables } from './instance-options.ts'
import { resolveServiceOptions, type ServiceOptions, type ServiceSettings } from './service-options.ts'
import type { GivenSettings } from './start-options.ts'

/** Everything a service takes from outside its code. */
export interface ServiceReading<Config extends ConfigSpec> {
  /** From all sources. */
  readonly environment: Environment
  readonly settings: ServiceSettings
  /** Whole only without problems: what could not be read has its reader's example in its place. */
  readonly config: SettingsOf<Config>
  /** What is wrong with sources and settings. */
  readonly configProblems: readonly SetupProblem[]
  /** What is wrong with the plain options. */
  readonly optionProblems: readonly SetupProblem[]
}

/**
 * Reads options and settings. Reads files, so it belongs to the start of a service.
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
  const config = readConfig(spec, { ...found, given })
  return {
    environment: found.environment,
    settings: plain.settings,
    config: config.values,
    configProblems: [...found.problems, ...config.problems],
    optionProblems: plain.problems,
  }
}

/**
 * As `readSettings`.
 *
 * @throws ConfigError of all problems.
 */
export function requireSettings<Config extends ConfigSpec>(
  options: ServiceOptions<Config>,
  environment: Environment | undefined,
  given?: GivenSettings<Config>,
): ServiceReading<Config> {
  const reading = readSettings(options, environment, given)
  const problems = [...reading.optionProblems, ...reading.configProblems]
  if (problems.length > 0) throw new ConfigError(problems)
  return reading
}

/** The variables that Tenon itself reads, besides NODE_ENV and those that the platform sets. */
const ownVariables: readonly string[] = ['LOG_LEVEL', 'TENON_HOST', 'TENON_KILL_DELAY_MS', ...instanceVariables]
