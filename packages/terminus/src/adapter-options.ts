import type { TerminusOptions } from '@godaddy/terminus'
import { ConfigError, givenOnly, optionCheck, type ProbeName, type SetupProblem, toFound } from '@tenon/core/transport'

/** Options of terminus that stay the team's own; the lifecycle of the service takes the place of all others. */
type OwnOptions = Pick<
  TerminusOptions,
  'healthChecks' | 'caseInsensitive' | 'headers' | 'logger' | 'statusOk' | 'statusOkResponse' | 'statusError'
> &
  Pick<TerminusOptions, 'statusErrorResponse' | 'beforeShutdown' | 'onSignal' | 'onShutdown'>

/**
 * What the team has told terminus so far, as far as it stays its own, and where the probes of the service are answered.
 *
 * The hooks run by the service, with its budgets: `beforeShutdown` as `onDrain`, while the server still serves, at most a fifth of
 * `shutdownTimeoutMs`; `onSignal`, then `onShutdown` as `onStop`, when it does not any more. What they throw makes the exit code 1.
 */
export interface AdapterOptions extends OwnOptions {
  /** What the server is called in logs, `/info` and errors; differs from all transports of the service. @defaultValue `terminus` */
  readonly name?: string
  /** Where the probes of the service are answered, beside the team's own `healthChecks`. */
  readonly probes?: ProbePaths
}

/** Where the probes of a service are answered; false leaves one out. */
export interface ProbePaths {
  /** @defaultValue `/livez` @throws ConfigError `config.malformed` */
  readonly livez?: string | false
  /** @defaultValue `/readyz` @throws ConfigError `config.malformed` */
  readonly readyz?: string | false
  /** @defaultValue `/startupz` @throws ConfigError `config.malformed` */
  readonly startupz?: string | false
}

/** What holds where the options say nothing; statuses and bodies are those of terminus. */
export const adapterDefaults = Object.freeze({
  name: 'terminus',
  probes: Object.freeze({ livez: '/livez', readyz: '/readyz', startupz: '/startupz' }),
  /** An answer of a probe that a cache keeps is worth nothing. */
  headers: Object.freeze({ 'cache-control': 'no-store' }),
  statusOkResponse: Object.freeze({ status: 'ok' }),
  statusErrorResponse: Object.freeze({ status: 'error' }),
})

type Body = Readonly<Record<string, unknown>>

/** The options with their defaults. */
export interface AdapterSettings extends Omit<AdapterOptions, 'name' | 'probes' | 'headers'> {
  readonly name: string
  /** By their paths. */
  readonly probes: ReadonlyMap<string, ProbeName>
  readonly headers: Record<string, string>
  readonly statusOkResponse: Body & Record<string, unknown>
  readonly statusErrorResponse: Body & Record<string, unknown>
}

/** @throws ConfigError `config.malformed` of all that is wrong. */
export function resolveAdapter(options: AdapterOptions): AdapterSettings {
  const problems = [...checkNames(options), ...checkName(options.name), ...checkProbes(options)]
  if (problems.length > 0) throw new ConfigError(problems)
  const given = givenOnly(options)
  return Object.freeze({
    ...adapterDefaults,
    ...given,
    probes: probesOf(options),
    headers: { ...adapterDefaults.headers, ...given.headers },
  })
}

const check = optionCheck('terminusOptions')

/** Options of terminus that would have no effect here, and what has. */
const replaced: Readonly<Record<string, string>> = Object.freeze({
  timeout: 'shutdownTimeoutMs of the service is the deadline',
  signal: 'service.run() hears SIGTERM, SIGINT and SIGHUP',
  signals: 'service.run() hears SIGTERM, SIGINT and SIGHUP',
  useExit0: 'service.run() ends the process with exit code 0, or 1 when work was cut',
  sendFailuresDuringShutdown: 'the probe of readiness fails from the signal on, and that of liveness does not',
  onSendFailureDuringShutdown: 'a hook onDrain of the service runs before it drains',
  onSigterm: 'onSignal is its name',
})

const names = [
  'name',
  'probes',
  'healthChecks',
  'caseInsensitive',
  'headers',
  'logger',
  'statusOk',
  'statusOkResponse',
  'statusError',
  'statusErrorResponse',
  'beforeShutdown',
  'onSignal',
  'onShutdown',
] as const satisfies readonly (keyof AdapterOptions)[]

/** What would be left out in silence is told instead. */
function checkNames(options: object): readonly SetupProblem[] {
  const given = Object.keys(options)
  const told = given.flatMap((name) => {
    const instead = replaced[name]
    return instead === undefined ? [] : [check.malformed(`leave out ${name}: ${instead}`)]
  })
  const others = Object.fromEntries(given.filter((name) => !(name in replaced)).map((name) => [name, undefined]))
  return [...told, ...check.names(others, names)]
}

function checkName(name: unknown): readonly SetupProblem[] {
  if (name === undefined || (typeof name === 'string' && /^[a-z][\w-]{0,49}$/.test(name))) return []
  return [check.malformed(`name must be a word of up to 50 characters such as terminus, found ${toFound(name)}`)]
}

const probeNames = ['livez', 'readyz', 'startupz'] as const satisfies readonly ProbeName[]

function checkProbes({ probes = {}, healthChecks = {}, ...options }: AdapterOptions): readonly SetupProblem[] {
  const strays = check.names(probes, probeNames, 'probes')
  const malformed = probeNames.flatMap((name) => {
    const path: unknown = probes[name]
    if (path === undefined || path === false || (typeof path === 'string' && /^\/[^?#\s]*$/.test(path))) return []
    return [check.malformed(`probes.${name} must be a path such as /${name}, or false, found ${toFound(path)}`)]
  })
  if (malformed.length > 0) return [...strays, ...malformed]
  const paths = [...Object.keys(healthChecks), ...pathsOf(probes).map(([path]) => path)].map((path) =>
    toKey(path, options),
  )
  const twice = new Set(paths.filter((path, index) => paths.indexOf(path) < index))
  return [
    ...strays,
    ...[...twice].map((path) => check.malformed(`two probes or healthChecks have the path ${path}: give one another`)),
  ]
}

function probesOf({ probes = {}, ...options }: AdapterOptions): ReadonlyMap<string, ProbeName> {
  return new Map(pathsOf(probes).map(([path, name]) => [toKey(path, options), name]))
}

function pathsOf(probes: ProbePaths): readonly (readonly [path: string, name: ProbeName])[] {
  return probeNames.flatMap((name) => {
    const path = probes[name] ?? adapterDefaults.probes[name]
    return path === false ? [] : [[path, name] as const]
  })
}

/** By what a path is found, which no other path may share. */
export function toKey(path: string, { caseInsensitive = false }: Pick<AdapterOptions, 'caseInsensitive'>): string {
  return caseInsensitive ? path.toLowerCase() : path
}
