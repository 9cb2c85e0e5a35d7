import { ConfigError, SetupError, type SetupProblem, WiringError } from '../error/setup-error.ts'
import { type Handler, toHandlerDefinition } from '../handler/handler-class.ts'
import { constructHandler, type HandlerDefinition } from '../handler/handler-definition.ts'
import type { HealthCheck } from '../handler/check.ts'
import { inject } from '../handler/inject.ts'
import { type Caller, type Provider, provide, type RemoteFacts } from '../handler/provider.ts'
import type { Task } from '../handler/task.ts'
import { indexProviders, planProviders, type ProviderPlan, type Root } from '../handler/provider-graph.ts'
import { ServiceInfo, type ServiceIdentity, type Transport } from '../transport/transport.ts'
import { ClientJournal } from '../client/policy/client-journal.ts'
import { DnsDirectory } from '../client/place/dns-directory.ts'
import { ServiceDirectory } from '../client/place/service-directory.ts'
import type { Registrar, Registry } from '../registry/registry.ts'
import { type Logger, silent } from '../telemetry/log.ts'
import { checkWiring } from './assemble.ts'
import { taskRoot } from './background/bound-tasks.ts'
import type { ConfigSpec } from './config/config.ts'
import type { Settings } from './live/live-setting.ts'
import { jointProviders } from './joint-providers.ts'
import { compileHider } from './config/hide-secrets.ts'
import { hookRoots } from './lifecycle/bound-hooks.ts'
import { checkSchedules } from './schedule/check-schedules.ts'
import type { ServiceOptions, ServiceSettings } from './service-options.ts'

/** What a plan is made with. */
export interface PlanSurroundings<Config extends ConfigSpec> {
  readonly settings: ServiceSettings
  readonly config: Settings<Config>
  /** Providers that replace those of the same token. */
  readonly overrides?: readonly Provider[] | undefined
  readonly identity: ServiceIdentity
  /** @defaultValue silence, where nothing is created */
  readonly log?: Logger
}

/** All that can be known of a service before anything of it is created, bound or listens. */
export interface ServicePlan {
  readonly definitions: readonly HandlerDefinition[]
  readonly transports: readonly Transport[]
  readonly registry: Registry | undefined
  /** Whether anybody can call it: through a transport, or found in a registry. */
  readonly hasCallers: boolean
  /** Whether a registry tells others of it. */
  readonly isAnnounced: boolean
  readonly providers: ProviderPlan
  /** The other services that clients are declared for, those that are replaced left out. */
  readonly remotes: readonly RemoteFacts[]
  /** Those of the service itself, besides what its providers say. */
  readonly checks: readonly HealthCheck[]
  readonly tasks: readonly Task[]
  /** What kept a part from being known: a handler that is none, a function of the options that threw. */
  readonly failures: readonly PlanFailure[]
  /** What is wrong among the parts that are known. */
  readonly problems: readonly SetupProblem[]
}

export interface PlanFailure {
  readonly problems: readonly SetupProblem[]
  readonly cause: unknown
  /** Whether a function of the settings failed, which may be the settings' fault. */
  readonly isOfSettings: boolean
}

/** Puts the parts of a service side by side. Calls the functions of the options and handlers' constructors, the latter with placeholders; nothing else runs. */
export function planService<Config extends ConfigSpec>(
  options: ServiceOptions<Config>,
  surroundings: PlanSurroundings<Config>,
): ServicePlan {
  const { settings, config, overrides = [], identity, log = silent } = surroundings
  const failures: PlanFailure[] = []
  const made = <Entry extends object>(name: string, make: () => readonly Entry[]) =>
    sift(name, callWithSettings(name, make, failures), failures)
  const transports = made('transports', () => options.transports?.(config) ?? [])
  const providers = made('providers', () => options.providers?.(config) ?? [])
  const remotes = made('remotes', () => options.remotes?.(config) ?? [])
  const registry = callWithSettings('registry', () => requireRegistry(options.registry?.(config)), failures)
  const known = { transports: transports.isWhole, providers: [transports, providers, remotes].every(isWhole) }
  const definitions = sift('handlers', options.handlers, failures).entries.flatMap((handler) =>
    define(handler, failures),
  )
  const caller: Caller = { instanceId: identity.instanceId, zone: settings.instance.zone, log }
  const calledByIt = (provider: Provider) => provider.remote?.calledBy(caller) ?? provider
  const index = indexProviders(
    [
      provide(ServiceInfo, { create: () => identity }),
      provide(ClientJournal, { create: () => new ClientJournal(log) }),
      provide(DnsDirectory, { create: () => new DnsDirectory(log), dispose: (directory) => directory.close() }),
      ...directoryOf(registry, log),
      ...providers.entries,
      ...remotes.entries.map(calledByIt),
      ...jointProviders(transports.entries),
    ],
    overrides.map(calledByIt),
  )
  const checks = siftChecks(options.checks ?? [], failures)
  const tasks = siftTasks(options.background ?? [], failures)
  const roots = [
    ...definitions.map((one) => ({ name: one.name, construct: () => constructHandler(one) })),
    ...hookRoots(options),
    ...checks.map(rootOf),
    ...tasks.map(taskRoot),
  ]
  const plan = planProviders(roots, index.byToken)
  const problems = [
    ...index.problems,
    ...plan.problems,
    ...checkNames('checks', checks),
    ...checkNames('background tasks', tasks),
    ...checkGroups(definitions),
    ...checkSchedules(definitions),
    ...checkWiring(definitions, transports.entries, { options, settings }),
  ]
  return {
    definitions,
    transports: transports.entries,
    registry,
    isAnnounced: isAnnouncing(registry),
    hasCallers: isAnnouncing(registry) || transports.entries.some(({ hasCallers = true }) => hasCallers),
    providers: plan,
    remotes: [...index.byToken.values()].flatMap(({ remote }) => remote ?? []),
    checks,
    tasks,
    failures: failures.map((failure) => ({ ...failure, problems: withoutSecrets(failure.problems, config) })),
    problems: problems.filter(({ code }) => isTrustworthy(code, known)),
  }
}

/** @throws ConfigError `config.malformed` for what is none */
function requireRegistry(given: Registry | undefined): Registry | undefined {
  const { announce, watch }: { announce?: unknown; watch?: unknown } = given ?? { watch: () => undefined }
  if (typeof announce === 'function' || typeof watch === 'function') return given
  const message =
    'registry of the service: expected what announces instances or finds them, found neither announce() nor watch()'
  throw new ConfigError([{ code: 'config.malformed', message }])
}

/** Whether a registry is told of the service, and not only asked for others. */
export function isAnnouncing(registry: Registry | undefined): registry is Registry & Registrar {
  return registry !== undefined && 'announce' in registry
}

/** Created where somebody needs it, so that nothing is watched for nothing. */
function directoryOf(registry: Registry | undefined, log: Logger): readonly Provider[] {
  if (registry === undefined || !('watch' in registry)) return []
  return [
    provide(ServiceDirectory, {
      create: () => new ServiceDirectory(registry, log),
      dispose: (directory) => directory.close(),
    }),
  ]
}

/** What the user's own functions say of a failure may quote a secret setting. */
export function withoutSecrets(problems: readonly SetupProblem[], config: object): readonly SetupProblem[] {
  const hide = compileHider(config)
  return problems.map(({ code, message }) => ({ code, message: hide(message) }))
}

/**
 * Makes sure that a plan can be carried out.
 *
 * @throws SetupError the first failure of the plan as it was, or one `WiringError` of all problems.
 */
export function requireSound({ failures, problems }: ServicePlan): void {
  const [first, ...others] = failures
  if (first?.cause instanceof SetupError && others.length === 0) throw first.cause
  const all = [...failures.flatMap((failure) => failure.problems), ...problems]
  if (all.length > 0) throw new WiringError(all, first?.cause)
}

/** Calls a function of the settings, and notes when it fails. */
export function callWithSettings<Result>(what: string, run: () => Result, failures: PlanFailure[]): Result | undefined {
  try {
    return run()
  } catch (cause) {
    failures.push({ problems: toProblems(`${what} of the service`, cause), cause, isOfSettings: true })
    return undefined
  }
}

/** What a thrown value says is wrong. */
export function toProblems(what: string, cause: unknown): readonly SetupProblem[] {
  if (cause instanceof SetupError) return cause.problems
  const reason = cause instanceof Error ? cause.message : String(cause)
  return [{ code: 'wiring.create_failed', message: `${what} failed: ${reason}` }]
}

interface Collected<Entry> {
  readonly entries: readonly Entry[]
  /** Whether the list is all there is. */
  readonly isWhole: boolean
}

function isWhole(list: Collected<unknown>): boolean {
  return list.isWhole
}

/** The entries of a list of the options; one that is undefined is named by its place. */
function sift<Entry extends object>(
  name: string,
  given: readonly Entry[] | undefined,
  failures: PlanFailure[],
): Collected<Entry> {
  if (given === undefined) return { entries: [], isWhole: false }
  const entries = given.filter((entry: Entry | undefined, index) => {
    if (entry) return true
    const message = `${name}[${index}] of the service is ${String(entry)}: import cycle? Import it from a file that does not import back`
    failures.push({
      problems: [{ code: 'wiring.undefined', message }],
      cause: undefined,
      isOfSettings: !plainLists.includes(name),
    })
    return false
  })
  return { entries, isWhole: entries.length === given.length }
}

/** The lists of the options that no function of the settings makes. */
const plainLists: readonly string[] = ['handlers', 'checks', 'background']

function siftChecks(given: readonly HealthCheck[], failures: PlanFailure[]): readonly HealthCheck[] {
  return sift('checks', given, failures).entries.filter((entry: Partial<HealthCheck>) => {
    if (typeof entry.open === 'function') return true
    const message = 'checks of the service: expected what check(name, run) gives, found something else'
    const problems = [{ code: 'config.malformed' as const, message }]
    failures.push({ problems, cause: undefined, isOfSettings: false })
    return false
  })
}

function siftTasks(given: readonly Task[], failures: PlanFailure[]): readonly Task[] {
  return sift('background', given, failures).entries.filter((entry: Partial<Task>) => {
    if (typeof entry.run === 'function' && entry.settings !== undefined) return true
    const message = 'background of the service: expected what task(name, run) gives, found something else'
    const problems = [{ code: 'config.malformed' as const, message }]
    failures.push({ problems, cause: undefined, isOfSettings: false })
    return false
  })
}

function rootOf({ name, needs }: HealthCheck): Root {
  return { name: `check "${name}"`, construct: () => needs.map(inject) }
}

/** `?exclude=` and the log tell them apart by their names. */
function checkNames(what: string, named: readonly { readonly name: string }[]): readonly SetupProblem[] {
  const names = named.map(({ name }) => name)
  return [...new Set(names.filter((name, index) => names.indexOf(name) < index))].map((name) => ({
    code: 'config.malformed',
    message: `two ${what} of the service are named "${name}": give one of them another name`,
  }))
}

function define(handler: Handler, failures: PlanFailure[]): readonly HandlerDefinition[] {
  try {
    return [toHandlerDefinition(handler)]
  } catch (cause) {
    failures.push({ problems: toProblems(`handler ${handler.name}`, cause), cause, isOfSettings: false })
    return []
  }
}

interface Known {
  readonly transports: boolean
  readonly providers: boolean
}

/** What is missing may only seem so, while a list that could hold it is not known. */
function isTrustworthy(code: SetupProblem['code'], known: Known): boolean {
  if (code === 'wiring.unreachable') return known.transports
  return code !== 'wiring.missing_provider' || known.providers
}

/** A group without a name would be one group with everybody else's. */
function checkGroups(definitions: readonly HandlerDefinition[]): readonly SetupProblem[] {
  const groups = definitions.flatMap(({ name, consumers, operations }) => [
    ...consumers.map(({ event, group }) => ({ what: `${name} consumes ${event.topic}`, group })),
    ...operations.map(({ operation }) => ({ what: operation.id, group: operation.queue?.group })),
  ])
  return groups
    .filter(({ group }) => group !== undefined && !/\S/.test(group))
    .map(({ what, group }) => ({
      code: 'wiring.consumer_group',
      message: `${what}: expected the name of a consumer group, found ${JSON.stringify(group)}; leave group out for the service's own name`,
    }))
}
