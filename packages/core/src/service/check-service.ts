import { ServiceError } from '../error/service-error.ts'
import type { SetupProblem } from '../error/setup-error.ts'
import type { Operation } from '../contract/operation.ts'
import type { Consuming } from '../handler/consuming-options.ts'
import { withTimeLimit } from '../handler/time-limit.ts'
import { compileSchema } from '../schema/compiled-schema.ts'
import { silent } from '../telemetry/log.ts'
import type { BatchArrival, EventEndpoint } from '../transport/endpoint.ts'
import type { ServiceIdentity, Transport, TransportServer } from '../transport/transport.ts'
import { adminOf } from './probe/admin-of.ts'
import { carriedBy, type Endpoints } from './carried.ts'
import type { ConfigSpec } from './config/config.ts'
import {
  callWithSettings,
  type PlanFailure,
  planService,
  type ServicePlan,
  toProblems,
  withoutSecrets,
} from './plan-service.ts'
import { eventFacts, operationFacts } from './endpoint-facts.ts'
import { readSettings, type ServiceReading } from './read-settings.ts'
import { readVersions } from './read-versions.ts'
import type { ServiceOptions, ServiceSettings } from './service-options.ts'
import type { StartOptions } from './start-options.ts'

/** What a service is looked at with; the same as what it is started with. */
export type CheckOptions = Pick<StartOptions, 'environment' | 'configSources' | 'overrides' | 'transports'>

/** What a check came to. */
export interface ServiceCheck {
  /** Whether there are no problems. */
  readonly ok: boolean
  /** Everything that would keep the service from starting, as far as it can be told before. */
  readonly problems: readonly SetupProblem[]
}

/** Goes through a service without creating, connecting or listening. */
export async function checkService<Config extends ConfigSpec>(
  options: ServiceOptions<Config>,
  { environment, overrides }: CheckOptions,
): Promise<ServiceCheck> {
  const reading = readSettings(options, environment)
  const { settings, config, live, placeProblems, optionProblems } = reading
  const configProblems = [...placeProblems, ...reading.configProblems]
  const identity: ServiceIdentity = {
    name: options.name,
    version: options.version,
    instanceId: `${options.name}-check`,
  }
  const plan = planService(options, { settings, config, overrides, identity })
  const endpoints = idleEndpoints(plan, options.name, settings)
  const failures = [...plan.failures, ...checkRest(options, { settings, config })]
  const telemetry = callWithSettings('telemetry', () => options.telemetry?.(config), failures)
  const problems = [
    ...optionProblems,
    // What is not set may be in a source, which nobody asks here.
    ...configProblems.filter(({ code }) => code !== 'config.missing' || live.sources.length === 0),
    // What fails over a setting that is not there may do well with the real one.
    ...failures
      .filter(({ isOfSettings }) => !(isOfSettings && configProblems.length > 0))
      .flatMap((one) => one.problems),
    ...plan.problems,
    ...endpoints.problems,
    ...((await telemetry?.check?.(reading.environment)) ?? []),
    ...(await checkTransports(plan.transports, { endpoints, settings, identity })),
  ]
  const shown = withoutSecrets(problems, config)
  const distinct = [...new Map(shown.map((problem) => [`${problem.code} ${problem.message}`, problem])).values()]
  return Object.freeze({ ok: distinct.length === 0, problems: Object.freeze(distinct) })
}

interface IdleEndpoints extends Endpoints {
  readonly problems: readonly SetupProblem[]
}

/** Every operation and event whose schemas can be used, told as when the service starts, with nothing behind it. */
function idleEndpoints({ definitions }: ServicePlan, service: string, settings: ServiceSettings): IdleEndpoints {
  const problems: SetupProblem[] = []
  const unlessBroken = <Value>(compile: () => Value): Value | undefined => {
    try {
      return compile()
    } catch (cause) {
      problems.push(...toProblems('a schema', cause))
      return undefined
    }
  }
  const isUsable = ({ id, inputSchema, inputJsonSchema, outputSchema, outputJsonSchema }: Operation): boolean => {
    const input = unlessBroken(() => compileSchema(inputSchema, inputJsonSchema, `operation ${id}: input`))
    const output = unlessBroken(() => compileSchema(outputSchema, outputJsonSchema, `operation ${id}: output`))
    return input !== undefined && output !== undefined
  }
  return {
    problems,
    operations: definitions
      .flatMap(({ operations }) => operations.filter(({ operation }) => isUsable(operation)))
      .map((implemented) => ({ ...operationFacts(implemented, settings), dispatch: refuse })),
    events: definitions
      .flatMap(({ consumers }) => consumers)
      .flatMap((consumer) => {
        const versions = unlessBroken(() => readVersions(consumer.event)) ?? []
        return versions.map((version) => idleEvent(consumer, eventFacts(consumer, version, service)))
      }),
  }
}

function idleEvent({ batch }: Consuming, facts: ReturnType<typeof eventFacts>): EventEndpoint {
  return { ...facts, ...(batch && { batch: { ...batch, read: refuse, dispatch: refuseAll } }), dispatch: refuse }
}

function refuseAll({ messages }: BatchArrival) {
  return Promise.all(messages.map(refuse))
}

async function refuse() {
  const error = new ServiceError('unavailable', 'the service is being checked and serves nobody')
  return { ok: false as const, error, callId: 'check', headers: undefined }
}

/** The functions of the options that a plan leaves alone. */
function checkRest<Config extends ConfigSpec>(
  options: ServiceOptions<Config>,
  { settings, config }: Pick<ServiceReading<Config>, 'settings' | 'config'>,
): readonly PlanFailure[] {
  const failures: PlanFailure[] = []
  callWithSettings('admin', () => adminOf(options, { settings, config }), failures)
  return failures
}

interface BindSurroundings {
  readonly endpoints: IdleEndpoints
  readonly settings: ServiceSettings
  readonly identity: ServiceIdentity
}

/** A transport that was only bound has nothing to wait for. A guess. */
const closeLimitMs = 2_000

/** Lets each transport say what it cannot carry. */
async function checkTransports(
  transports: readonly Transport[],
  { endpoints, settings, identity }: BindSurroundings,
): Promise<readonly SetupProblem[]> {
  const problems: SetupProblem[] = []
  for (const transport of transports) {
    try {
      const server: TransportServer = transport.bind({
        service: identity,
        ...carriedBy(transport, endpoints),
        defaultHost: settings.defaultHost,
        log: silent,
        fail: () => undefined,
      })
      await withTimeLimit(() => server.close(), {
        timeoutMs: closeLimitMs,
        tooLate: () => new Error('it did not close'),
      })
    } catch (cause) {
      problems.push(...toProblems(`transport ${transport.name}`, cause))
    }
  }
  return problems
}
