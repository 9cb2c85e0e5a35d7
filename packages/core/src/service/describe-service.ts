import type { Interceptor } from '../call/rule/interceptor.ts'
import type { Deprecation } from '../contract/deprecation.ts'
import type { DeliveryOptions } from '../contract/delivery.ts'
import type { EventType } from '../contract/event.ts'
import { olderEvents } from '../contract/event-upcast.ts'
import type { HttpBoundRoute, HttpOperation, NamedField } from '../contract/http-binding.ts'
import type { AccessRule } from '../contract/operation.ts'
import type { ConsumerStart } from '../contract/start-position.ts'
import { ConfigError } from '../error/setup-error.ts'
import type { Registry } from '../registry/registry.ts'
import { toPeers } from '../handler/peer-address.ts'
import { type RemoteFacts, tokenName } from '../handler/provider.ts'
import type { Task } from '../handler/task.ts'
import type { Transport } from '../transport/transport.ts'
import { consumerTimeoutOf, scheduleTimeoutOf, timeoutOf } from './assemble.ts'
import { carriesEvent } from './carried.ts'
import type { CheckOptions } from './check-service.ts'
import type { ConfigReader, ConfigSpec } from './config/config.ts'
import { adminOf } from './probe/admin-of.ts'
import { describeChecks } from './describe-checks.ts'
import { accessOf } from './endpoint-facts.ts'
import { hooksOf } from './lifecycle/bound-hooks.ts'
import type { ChosenSource } from './live/config-sources.ts'
import { planService, requireSound, type ServicePlan } from './plan-service.ts'
import { readSettings, type ServiceReading } from './read-settings.ts'
import type {
  AccessDescription,
  AdminDescription,
  ConfigSourceDescription,
  ConsumerDescription,
  HandlerDescription,
  HookDescription,
  HttpDescription,
  InterceptorDescription,
  OperationDescription,
  ProviderDescription,
  RegistryDescription,
  RemoteDescription,
  ScheduleDescription,
  ServiceDescription,
  SettingDescription,
  TaskDescription,
  TransportDescription,
} from './service-description.ts'
import { delayFor, delayInKubernetes, type ServiceOptions, type ServiceSettings } from './service-options.ts'

/**
 * Tells what a service is made of.
 *
 * @throws SetupError when a part of it cannot be known.
 */
export function describeService<Config extends ConfigSpec>(
  options: ServiceOptions<Config>,
  { environment, overrides }: CheckOptions,
): ServiceDescription {
  const { settings, config, live, ...reading } = readSettings(options, environment)
  if (reading.optionProblems.length > 0) throw new ConfigError(reading.optionProblems)
  const configProblems = [...reading.placeProblems, ...reading.configProblems]
  const { name, version } = options
  const plan = planService(options, { settings, config, overrides, identity: { name, version, instanceId: name } })
  if (configProblems.length > 0 && plan.failures.some(({ isOfSettings }) => isOfSettings))
    throw new ConfigError(configProblems)
  requireSound({ ...plan, problems: [] })
  const surroundings: Surroundings = { plan, settings, name, interceptors: options.interceptors ?? [] }
  return settle({
    name,
    version,
    handlers: plan.definitions.map(describeHandler),
    operations: plan.definitions.flatMap((definition) => describeOperations(definition, surroundings)),
    consumers: plan.definitions.flatMap((definition) => describeConsumers(definition, surroundings)),
    schedules: plan.definitions.flatMap((definition) => describeSchedules(definition, surroundings)),
    providers: plan.providers.order.map(describeProvider),
    checks: describeChecks(plan),
    remotes: plan.remotes.map(describeRemote),
    tasks: plan.tasks.map(describeTask),
    hooks: hooksOf(options).map(describeHook),
    transports: plan.transports.map((transport) => describeTransport(transport, settings)),
    admin: describeAdmin(options, { settings, config }),
    isRegistered: plan.isAnnounced,
    registry: plan.registry && describeRegistry(plan.registry),
    settings: Object.entries<ConfigReader<unknown>>(options.config ?? {}).map(describeSetting),
    configSources: live.sources.length === 0 ? undefined : live.sources.map(describeSource),
    limits: {
      callTimeoutMs: settings.callTimeoutMs,
      maxConcurrentCalls: finite(settings.maxConcurrentCalls),
      maxQueuedCalls: settings.maxQueuedCalls,
      overload: settings.overload,
      startTimeoutMs: settings.startTimeoutMs,
      shutdownTimeoutMs: settings.shutdownTimeoutMs,
      deregisterDelayMs: delayFor(plan, options, settings),
      deregisterDelayInKubernetesMs: delayFor(plan, options, {
        deregisterDelayMs: delayInKubernetes(options),
        isInKubernetes: true,
      }),
    },
    security: {
      hasAuthenticator: options.authenticate !== undefined,
      defaultAccess: describeAccess(settings.defaultAccess),
      forwardedMetadata: [...settings.forwardMetadata],
      areOutputsChecked: settings.isOutputChecked,
    },
  })
}

type Definition = ServicePlan['definitions'][number]

interface Surroundings {
  readonly plan: ServicePlan
  readonly settings: ServiceSettings
  /** The service's, which is also the default group. */
  readonly name: string
  readonly interceptors: readonly Interceptor[]
}

function describeHandler({ name, contracts, operations, consumers, schedules }: Definition): HandlerDescription {
  return {
    name,
    contracts: contracts.map((contract) => contract.name),
    operations: operations.map(({ operation }) => operation.id),
    topics: consumers.map(({ event }) => event.topic),
    schedules: schedules.map((schedule) => schedule.name),
  }
}

function describeOperations(definition: Definition, surroundings: Surroundings): readonly OperationDescription[] {
  const { plan, settings, name } = surroundings
  return definition.operations.map(({ operation, member, serving, interceptors }) => ({
    id: operation.id,
    handler: definition.name,
    member,
    kind: operation.kind,
    route: operation.http && routeText(operation.http),
    http: operation.http && describeHttp(operation.http),
    grpc: operation.grpc,
    command: operation.queue && {
      topic: operation.queue.topic,
      key: operation.queue.key,
      group: operation.queue.group ?? name,
      delivery: describeDelivery(serving.delivery),
    },
    transports: plan.transports.filter((transport) => transport.carries(operation)).map((transport) => transport.name),
    access: describeAccess(accessOf({ operation, serving }, settings)),
    policy: serving.policy && functionName(serving.policy),
    timeoutMs: timeoutOf(operation, settings),
    maxConcurrentCalls: serving.maxConcurrentCalls,
    criticality: serving.criticality,
    idempotency: operation.idempotency,
    errors: [...operation.errors],
    isDeprecated: operation.deprecated,
    deprecation: describeDeprecation(operation.deprecation),
    tags: [...operation.tags],
    interceptors: describeInterceptors(interceptors, definition, surroundings),
  }))
}

function describeHttp({ routes, status, headers, cookies, body, location, etag }: HttpOperation): HttpDescription {
  return {
    routes: routes.map(routeText),
    status,
    headers: namesByField(headers),
    cookies: namesByField(cookies),
    body,
    location,
    etag,
  }
}

function routeText({ method, path }: HttpBoundRoute): string {
  return `${method} ${path}`
}

function namesByField(fields: readonly NamedField[]): Readonly<Record<string, string>> | undefined {
  return fields.length === 0 ? undefined : Object.fromEntries(fields.map(({ field, name }) => [field, name]))
}

/** Undefined where no more is known than that there is an end. */
function describeDeprecation(deprecation: Deprecation | undefined): Deprecation | undefined {
  const isKnown = deprecation !== undefined && Object.values(deprecation).some((value) => value !== undefined)
  return isKnown ? { ...deprecation } : undefined
}

function describeConsumers(definition: Definition, surroundings: Surroundings): readonly ConsumerDescription[] {
  const { plan, settings, name } = surroundings
  return definition.consumers.map(
    ({ event, group = name, isBroadcast, start, delivery, batch, member, interceptors }) => ({
      topic: event.topic,
      olderTopics: olderTopicsOf(event),
      key: event.key,
      group: isBroadcast ? undefined : group,
      start: describeStart(start),
      delivery: describeDelivery(delivery),
      batch: batch && { ...batch },
      handler: definition.name,
      member,
      transports: plan.transports
        .filter((transport) => carriesEvent(transport, event))
        .map((transport) => transport.name),
      timeoutMs: consumerTimeoutOf({ delivery }, settings),
      interceptors: describeInterceptors(interceptors, definition, surroundings),
    }),
  )
}

function describeSchedules(definition: Definition, surroundings: Surroundings): readonly ScheduleDescription[] {
  return definition.schedules.map(({ name, timing, member, interceptors }) => ({
    name,
    timing: timing.text,
    overlap: timing.settings.overlap,
    jitterMs: timing.settings.jitterMs,
    timeoutMs: scheduleTimeoutOf({ timing }, surroundings.settings),
    handler: definition.name,
    member,
    interceptors: describeInterceptors(interceptors, definition, surroundings),
  }))
}

/** Undefined where nothing was said. */
function describeStart(start: ConsumerStart | undefined): string | undefined {
  return typeof start === 'object' ? new Date(start.startAt).toISOString() : start
}

/** Undefined for none. */
function olderTopicsOf(event: EventType): readonly string[] | undefined {
  const topics = olderEvents(event).map((older) => older.event.topic)
  return topics.length === 0 ? undefined : topics
}

/** Undefined where the transport's options alone say how. */
function describeDelivery(delivery: DeliveryOptions = {}): DeliveryOptions | undefined {
  return Object.keys(delivery).length === 0 ? undefined : structuredClone(delivery)
}

/** In the order they are composed in. A member's own list begins with those of its handler. */
function describeInterceptors(
  own: readonly Interceptor[],
  { interceptors: { length: handlerCount } }: Definition,
  { interceptors }: Surroundings,
): readonly InterceptorDescription[] {
  return [
    ...interceptors.map((one) => ({ name: functionName(one), around: 'service' as const })),
    ...own.map((one, index) => ({
      name: functionName(one),
      around: index < handlerCount ? ('handler' as const) : ('method' as const),
    })),
  ]
}

function describeProvider(provider: ServicePlan['providers']['order'][number]): ProviderDescription {
  const { token, needs, check, connectsTo = [] } = provider
  const peers = connectsTo.flatMap(toPeers)
  return {
    name: tokenName(token),
    needs: needs.map(tokenName),
    isChecked: check !== undefined,
    connectsTo: peers.length === 0 ? undefined : [...new Set(peers)],
  }
}

function describeRemote({ contract, transport, at, interceptors }: RemoteFacts): RemoteDescription {
  return { contract, transport, address: at, interceptors: interceptors.map(functionName) }
}

function describeHook({ point, hook }: ReturnType<typeof hooksOf>[number]): HookDescription {
  return { point, name: hook.name, needs: hook.needs.map(tokenName), timeoutMs: hook.timeoutMs }
}

function describeTask({ name, needs, settings }: Task): TaskDescription {
  return {
    name,
    needs: needs.map(tokenName),
    ...settings,
    maxRestartCount: finite(settings.maxRestartCount),
  }
}

function describeTransport(transport: Transport, { defaultHost }: ServiceSettings): TransportDescription {
  const { name, carriesEvents = false, topics, provides = [], connectsTo, probes } = transport
  return {
    name,
    carriesEvents,
    topics: topics && [...topics],
    provides: provides.map(({ token }) => tokenName(token)),
    listensAt: transport.listensAt?.(defaultHost).map(({ protocol, host, port }) => ({ protocol, host, port })),
    connectsTo: connectsTo && [...connectsTo],
    probes: probes && Object.fromEntries(probes),
  }
}

function describeRegistry(registry: Registry): RegistryDescription {
  const peers = registry.connectsTo?.flatMap(toPeers) ?? []
  return { name: registry.name, canFind: 'watch' in registry, connectsTo: peers.length > 0 ? peers : undefined }
}

function describeAdmin<Config extends ConfigSpec>(
  options: ServiceOptions<Config>,
  reading: Pick<ServiceReading<Config>, 'settings' | 'config'>,
): AdminDescription | undefined {
  const admin = adminOf(options, reading)
  return admin && { host: admin.host, port: admin.port, hasToken: admin.token !== undefined }
}

function describeSetting([name, reader]: readonly [string, ConfigReader<unknown>]): SettingDescription {
  const { variable, expected, isRequired, isSecret = false, fallback } = reader
  return {
    name,
    variable,
    expected,
    isRequired: isRequired && fallback === undefined,
    isSecret,
    fallback: toPlain(fallback),
  }
}

function describeSource({ source, isRequired }: ChosenSource): ConfigSourceDescription {
  const peers = source.connectsTo?.flatMap(toPeers) ?? []
  return { name: source.name, isRequired, connectsTo: peers.length === 0 ? undefined : [...new Set(peers)] }
}

function describeAccess(rule: AccessRule): AccessDescription {
  if (typeof rule === 'string') return rule
  if (rule.check !== undefined) return { check: functionName(rule.check) }
  return rule.roles === undefined ? { scopes: [...rule.scopes] } : { roles: [...rule.roles] }
}

function functionName(of: { readonly name: string }): string {
  return of.name || '(anonymous)'
}

function finite(count: number): number | undefined {
  return Number.isFinite(count) ? count : undefined
}

/** A fallback is whatever a reader of the user's own makes of text; what JSON cannot hold is shown as text. */
function toPlain(value: unknown): unknown {
  try {
    const text: string | undefined = JSON.stringify(value)
    return text === undefined ? undefined : (JSON.parse(text) as unknown)
  } catch {
    return String(value)
  }
}

/** Freezes fresh data through and through, and drops what is undefined, so that it is the same as what JSON makes of it. */
function settle<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  for (const [key, inner] of Object.entries(value)) {
    if (inner === undefined) Reflect.deleteProperty(value, key)
    else settle<unknown>(inner)
  }
  return Object.freeze(value)
}
