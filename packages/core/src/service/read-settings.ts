import type { SetupProblem } from '../error/setup-error.ts'
import { findVariables } from './config-source.ts'
import type { ConfigSpec, Environment, SettingsOf } from './config.ts'
import { readConfig } from './read-config.ts'
import { resolveServiceOptions, type ServiceOptions, type ServiceSettings } from './service-options.ts'

/** Everything a service takes from outside its code. */
export interface ServiceReading<Config extends ConfigSpec> {
  /** From all sources. */
  readonly environment: Environment
  readonly settings: ServiceSettings
  readonly config: SettingsOf<Config>
  /** What is wrong with sources, options and settings, all at once; the rest is whole only without any. */
  readonly problems: readonly SetupProblem[]
}

/**
 * Reads options and settings. Reads files, so it belongs to the start of a service.
 *
 * @param environment The process's own, with `.env`, when it is left out.
 */
export function readSettings<Config extends ConfigSpec>(
  options: ServiceOptions<Config>,
  environment: Environment | undefined,
): ServiceReading<Config> {
  const spec = options.config ?? ({} as Config)
  const variables = [...ownVariables, ...Object.values(spec).map(({ variable }) => variable)]
  const found = findVariables({ environment, configFiles: options.configFiles, variables })
  const plain = resolveServiceOptions(options, found.environment)
  const config = readConfig(spec, found)
  return {
    environment: found.environment,
    settings: plain.settings,
    config: config.values,
    problems: [...found.problems, ...plain.problems, ...config.problems],
  }
}

/** The variables that Tenon itself reads, besides NODE_ENV and those that the platform sets. */
const ownVariables: readonly string[] = ['LOG_LEVEL', 'TENON_HOST']
