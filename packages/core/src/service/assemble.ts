import { compileAccess } from '../call/rule/access.ts'
import { asItIs, compileSchema } from '../schema/compiled-schema.ts'
import type { CallPlan } from '../call/call-plan.ts'
import { composeDispatch, composeRefusal } from '../call/dispatcher.ts'
import type { Gate } from '../call/gate.ts'
import { OperationLoad } from '../call/overload/operation-load.ts'
import type { OverloadControl } from '../call/overload/overload-control.ts'
import { Limiter } from '../call/rule/limiter.ts'
import { composeInterceptors, type Interceptor, type Invoke } from '../call/rule/interceptor.ts'
import type { Operation } from '../contract/operation.ts'
import { noFunctions } from '../error/no-function.ts'
import type { SetupProblem } from '../error/setup-error.ts'
import type {
  HandlerDefinition,
  HandlerInstance,
  ImplementedConsumer,
  ImplementedOperation,
  ImplementedSchedule,
} from '../handler/handler-definition.ts'
import type { Logger } from '../telemetry/log.ts'
import type { EventEndpoint, OperationEndpoint } from '../transport/endpoint.ts'
import type { Transport } from '../transport/transport.ts'
import { batchEndpoint } from './batch-endpoint.ts'
import { checkSenders, checkTopics, type Endpoints } from './carried.ts'
import { accessOf, eventFacts, operationFacts } from './endpoint-facts.ts'
import { readVersions } from './read-versions.ts'
import type { ScheduleEndpoint } from './schedule/running-schedule.ts'
import type { ServiceOptions, ServiceSettings } from './service-options.ts'

/** What every call path of a service shares. */
export interface Surroundings {
  readonly options: Pick<ServiceOptions, 'name' | 'interceptors' | 'authenticate'>
  readonly settings: ServiceSettings
  readonly gate: Gate
  /** Undefined for none. */
  readonly overload: OverloadControl | undefined
  readonly log: Logger
}

/** A handler with its instance. */
export interface ConstructedHandler {
  readonly definition: HandlerDefinition
  readonly instance: HandlerInstance
}

/** Composes the call path of every operation and event, once. */
export function composeEndpoints(handlers: readonly ConstructedHandler[], surroundings: Surroundings): Endpoints {
  const { settings } = surroundings
  const shared =
    settings.maxConcurrentCalls === Number.POSITIVE_INFINITY ? [] : [limiter(settings.maxConcurrentCalls, settings)]
  return {
    operations: handlers.flatMap(({ definition, instance }) =>
      definition.operations.map((implemented): OperationEndpoint => {
        const { member, interceptors } = implemented
        const invoke = composed(instance.member(member), interceptors, surroundings)
        const plan = operationPlan(implemented, { invoke, shared, ...surroundings })
        const { gate } = surroundings
        const refuse = composeRefusal(plan, gate)
        return {
          ...operationFacts(implemented, settings),
          dispatch: composeDispatch(plan, gate),
          ...(refuse && { refuse }),
        }
      }),
    ),
    events: handlers.flatMap(({ definition, instance }) =>
      definition.consumers.flatMap((consumer) =>
        consumerEndpoints(
          consumer,
          composed(instance.member(consumer.member), consumer.interceptors, surroundings),
          surroundings,
        ),
      ),
    ),
  }
}

/** As `composeEndpoints`, for what handlers do by a schedule. */
export function composeSchedules(
  handlers: readonly ConstructedHandler[],
  surroundings: Surroundings,
): readonly ScheduleEndpoint[] {
  return handlers.flatMap(({ definition, instance }) =>
    definition.schedules.map((schedule) => {
      const { name, timing, member, interceptors } = schedule
      const invoke = composed(instance.member(member), interceptors, surroundings)
      const plan = ownPlan(scheduleId(name), surroundings, {
        timeoutMs: scheduleTimeoutOf(schedule, surroundings.settings),
        input: asItIs,
        invoke,
        // Nobody else hears of one that fails.
        ...(surroundings.settings.loggedCalls === 'none' && { loggedCalls: 'failed' }),
      })
      const { gate } = surroundings
      return { name, timing, gate, dispatch: composeDispatch(plan, gate) }
    }),
  )
}

/** What runs of a schedule are called in the log. */
export function scheduleId(name: string): string {
  return `schedule ${name}`
}

/** What the handling of an event is called in the log. */
export function consumeId({ topic }: { readonly topic: string }): string {
  return `consume ${topic}`
}

/** An endpoint for each version of its event that a consumer reads. */
function consumerEndpoints(
  consumer: ImplementedConsumer,
  invoke: Invoke,
  surroundings: Surroundings,
): readonly EventEndpoint[] {
  const { options, settings, gate, overload } = surroundings
  const { event: declared, batch } = consumer
  const operation = consumeId(declared)
  const load =
    overload && new OperationLoad(overload, { operation, holdsPlace: false, criticality: overload.criticality })
  return readVersions(declared).map((version) => {
    const plan = ownPlan(operation, surroundings, {
      timeoutMs: consumerTimeoutOf(consumer, settings),
      input: version.input,
      load,
      invoke,
      // Counts only where a transport does not trust what it delivers.
      authenticate: options.authenticate,
      access: options.authenticate && compileAccess('authenticated'),
    })
    const facts = eventFacts(consumer, version, options.name)
    const compose = (path: CallPlan) => composeDispatch(path, gate)
    return { ...facts, ...(batch ? batchEndpoint(plan, batch, compose) : { dispatch: compose(plan) }) }
  })
}

/** The call path of what nobody calls: it has no output and, unless `parts` says so, no caller to judge. */
function ownPlan(
  id: string,
  { settings, log }: Surroundings,
  parts: Pick<CallPlan, 'timeoutMs' | 'input' | 'invoke'> &
    Partial<Pick<CallPlan, 'loggedCalls' | 'load' | 'authenticate' | 'access'>>,
): CallPlan {
  return {
    id,
    kind: 'unary',
    log,
    forwarded: settings.forwardMetadata,
    loggedCalls: settings.loggedCalls,
    output: undefined,
    isOutputChecked: false,
    authenticate: undefined,
    access: undefined,
    policy: undefined,
    // What a queue delivers is held back by the queue, and a schedule by what it says of overlaps.
    limiters: [],
    load: undefined,
    ...parts,
  }
}

/** Everything wrong among handlers and transports that can be told without creating anything. */
export function checkWiring(
  definitions: readonly HandlerDefinition[],
  transports: readonly Transport[],
  { options, settings }: Omit<Surroundings, 'gate' | 'overload' | 'log'>,
): readonly SetupProblem[] {
  const implemented = definitions.flatMap(({ name, operations }) =>
    operations.map((one) => ({ handler: name, ...one })),
  )
  return [
    ...repeated(implemented),
    ...leftOut(definitions),
    ...implemented.flatMap(({ operation }) => unreachable(operation, transports)),
    ...implemented.flatMap((one) => needsAuthenticator(one, { options, settings })),
    ...implemented.flatMap(judgesStream),
    ...implemented.flatMap(deliversNothing),
    ...uncallable(definitions, options),
    ...unheardEvents(definitions, transports),
    ...(options.authenticate ? [] : checkSenders(definitions, transports)),
    ...repeatedTransports(transports),
    ...checkTopics(definitions, transports),
  ]
}

interface PlanParts extends Surroundings {
  readonly invoke: Invoke
  /** The limits of the whole service. */
  readonly shared: readonly Limiter[]
}

function operationPlan(
  { operation, serving }: ImplementedOperation,
  { invoke, shared, options, settings, overload, log }: PlanParts,
): CallPlan {
  const { kind } = operation
  const { criticality } = serving
  const own = serving.maxConcurrentCalls === undefined ? [] : [limiter(serving.maxConcurrentCalls, settings)]
  return {
    id: operation.id,
    kind,
    timeoutMs: timeoutOf(operation, settings),
    criticality,
    log,
    forwarded: settings.forwardMetadata,
    loggedCalls: settings.loggedCalls,
    input: compileSchema(operation.inputSchema, operation.inputJsonSchema, `operation ${operation.id}: input`),
    output: compileSchema(operation.outputSchema, operation.outputJsonSchema, `operation ${operation.id}: output`),
    isOutputChecked: settings.isOutputChecked,
    authenticate: options.authenticate,
    access: compileAccess(accessOf({ operation, serving }, settings)),
    policy: serving.policy,
    // Its own first: a call that waits for that must not take a place from other operations.
    limiters: [...own, ...shared],
    load:
      overload &&
      new OperationLoad(overload, {
        operation: operation.id,
        holdsPlace: kind === 'unary',
        criticality: criticality ?? overload.criticality,
      }),
    invoke,
  }
}

function limiter(maxRunning: number, { maxQueuedCalls }: ServiceSettings): Limiter {
  return new Limiter({ maxRunning, maxWaiting: maxQueuedCalls ?? maxRunning })
}

/** What a consumer says of itself counts more than what the service says of all calls. */
export function consumerTimeoutOf(
  { delivery }: Pick<ImplementedConsumer, 'delivery'>,
  { callTimeoutMs }: ServiceSettings,
): number {
  return delivery.maxHandlerMs ?? callTimeoutMs
}

/** Likewise. */
export function scheduleTimeoutOf(
  { timing }: Pick<ImplementedSchedule, 'timing'>,
  { callTimeoutMs }: ServiceSettings,
): number {
  return timing.settings.timeoutMs ?? callTimeoutMs
}

/** Undefined for none. */
export function timeoutOf({ timeoutMs, kind }: Operation, { callTimeoutMs }: ServiceSettings): number | undefined {
  return timeoutMs ?? (kind === 'unary' ? callTimeoutMs : undefined)
}

function composed(handler: Invoke, own: readonly Interceptor[], { options }: Surroundings): Invoke {
  return composeInterceptors([...(options.interceptors ?? []), ...own], handler)
}

interface Implemented extends ImplementedOperation {
  readonly handler: string
}

function repeated(implemented: readonly Implemented[]): readonly SetupProblem[] {
  return implemented.flatMap(({ handler, operation }, index): SetupProblem[] => {
    const first = implemented.findIndex((other) => other.operation.id === operation.id)
    if (first === index) return []
    return [
      {
        code: 'handler.duplicate_operation',
        message: `${operation.id} is implemented by ${implemented[first]?.handler} and by ${handler}: keep one`,
      },
    ]
  })
}

function leftOut(definitions: readonly HandlerDefinition[]): readonly SetupProblem[] {
  const implemented = new Set(definitions.flatMap(({ operations }) => operations.map(({ operation }) => operation.id)))
  const offered = new Set(
    definitions.flatMap(({ contracts }) => contracts.flatMap(({ operations }) => operations.map(({ id }) => id))),
  )
  return [...offered]
    .filter((id) => !implemented.has(id))
    .map((id) => ({
      code: 'handler.missing_operation',
      message: `no handler of the service implements ${id}: a contract is offered whole`,
    }))
}

function unreachable(operation: Operation, transports: readonly Transport[]): readonly SetupProblem[] {
  if (transports.some((transport) => transport.carries(operation))) return []
  return [
    {
      code: 'wiring.unreachable',
      message: `${operation.id} is carried by no transport of the service: give it a binding, or add a transport, which is localTransport() where only this process calls it`,
    },
  ]
}

function needsAuthenticator(
  { operation, serving }: Implemented,
  { options, settings }: Omit<Surroundings, 'gate' | 'overload' | 'log'>,
): readonly SetupProblem[] {
  if (options.authenticate || accessOf({ operation, serving }, settings) === 'public') return []
  return [
    {
      code: 'wiring.access',
      message: `${operation.id} has an access rule about the caller, but the service has no authenticate`,
    },
  ]
}

function repeatedTransports(transports: readonly Transport[]): readonly SetupProblem[] {
  const names = transports.map(({ name }) => name)
  const repeatedNames = new Set(names.filter((name, index) => names.indexOf(name) !== index))
  return [...repeatedNames].map((name) => ({
    code: 'wiring.duplicate_transport',
    message: `two transports of the service are named ${name}: keep one, or name one otherwise`,
  }))
}

function unheardEvents(
  definitions: readonly HandlerDefinition[],
  transports: readonly Transport[],
): readonly SetupProblem[] {
  if (transports.some(({ carriesEvents }) => carriesEvents === true)) return []
  const topics = definitions.flatMap(({ consumers }) => consumers.map(({ event }) => event.topic))
  return topics.map((topic) => ({
    code: 'wiring.unreachable',
    message: `event ${topic} is delivered by no transport of the service: add a queue transport`,
  }))
}

/** Settings of a delivery that never happens are a slip. */
function deliversNothing({ operation, serving }: Implemented): readonly SetupProblem[] {
  if (serving.delivery === undefined || operation.queue !== undefined) return []
  const message = `${operation.id} has settings of a queue, but its contract binds it to none: give it queue: { topic, key }, or leave them out`
  return [{ code: 'wiring.unreachable', message }]
}

/** A policy judges an input before the handler sees it, and of a stream there is none yet. */
function judgesStream({ operation, serving }: Implemented): readonly SetupProblem[] {
  const isInputStream = operation.kind === 'client_stream' || operation.kind === 'bidi_stream'
  if (serving.policy === undefined || !isInputStream) return []
  const message = `${operation.id} has a policy, but its input is a stream: judge each item in the handler`
  return [{ code: 'wiring.access', message }]
}

function uncallable(
  definitions: readonly HandlerDefinition[],
  { interceptors = [], authenticate }: Surroundings['options'],
): readonly SetupProblem[] {
  return noFunctions([
    ...(authenticate === undefined ? [] : [['authenticate of the service', authenticate] as const]),
    ...interceptors.map((one, index) => [`interceptors[${index}] of the service`, one] as const),
    ...definitions.flatMap(({ operations, consumers, schedules }) => [
      ...operations.flatMap(({ operation, interceptors: own }) =>
        own.map((one) => [`an interceptor of ${operation.id}`, one] as const),
      ),
      ...consumers.flatMap(({ event, interceptors: own }) =>
        own.map((one) => [`an interceptor of ${event.topic}`, one] as const),
      ),
      ...schedules.flatMap(({ name, interceptors: own }) =>
        own.map((one) => [`an interceptor of schedule ${name}`, one] as const),
      ),
    ]),
  ])
}
