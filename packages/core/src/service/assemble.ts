import { compileAccess } from '../call/access.ts'
import { compileSchema } from '../schema/compiled-schema.ts'
import { type CallPlan, composeDispatch } from '../call/dispatcher.ts'
import type { Gate } from '../call/gate.ts'
import { composeInterceptors, type Interceptor, type Invoke } from '../call/interceptor.ts'
import type { Operation } from '../contract/operation.ts'
import type { SetupProblem } from '../error/setup-error.ts'
import type { HandlerDefinition, HandlerInstance } from '../handler/handler-definition.ts'
import type { Logger } from '../telemetry/log.ts'
import type { EventEndpoint, OperationEndpoint } from '../transport/endpoint.ts'
import type { Transport } from '../transport/transport.ts'
import type { ServiceOptions, ServiceSettings } from './service-options.ts'

/** What every call path of a service shares. */
export interface Surroundings {
  readonly options: Pick<ServiceOptions, 'name' | 'interceptors' | 'authenticate'>
  readonly settings: ServiceSettings
  readonly gate: Gate
  readonly log: Logger
}

export interface Endpoints {
  readonly operations: readonly OperationEndpoint[]
  readonly events: readonly EventEndpoint[]
}

/** A handler with its instance. */
export interface ConstructedHandler {
  readonly definition: HandlerDefinition
  readonly instance: HandlerInstance
}

/** Composes the call path of every operation and event, once. */
export function composeEndpoints(handlers: readonly ConstructedHandler[], surroundings: Surroundings): Endpoints {
  return {
    operations: handlers.flatMap(({ definition, instance }) =>
      definition.operations.map(({ operation, member, interceptors }): OperationEndpoint => {
        const plan = operationPlan(
          operation,
          composed(instance.member(member), interceptors, surroundings),
          surroundings,
        )
        return { operation, dispatch: composeDispatch(plan, surroundings.gate) }
      }),
    ),
    events: handlers.flatMap(({ definition, instance }) =>
      definition.consumers.map(({ event, group, member, interceptors }): EventEndpoint => {
        const plan: CallPlan = {
          id: `consume ${event.topic}`,
          kind: 'unary',
          timeoutMs: surroundings.settings.callTimeoutMs,
          log: surroundings.log,
          input: compileSchema(event.payloadSchema, event.payloadJsonSchema, `event ${event.topic}: payload`),
          output: undefined,
          isOutputChecked: false,
          authenticate: undefined,
          access: undefined,
          invoke: composed(instance.member(member), interceptors, surroundings),
        }
        return { event, group: group ?? surroundings.options.name, dispatch: composeDispatch(plan, surroundings.gate) }
      }),
    ),
  }
}

/** Everything wrong among handlers and transports that can be told without creating anything. */
export function checkWiring(
  definitions: readonly HandlerDefinition[],
  transports: readonly Transport[],
  { options, settings }: Omit<Surroundings, 'gate' | 'log'>,
): readonly SetupProblem[] {
  const implemented = definitions.flatMap(({ name, operations }) =>
    operations.map(({ operation }) => ({ handler: name, operation })),
  )
  return [
    ...repeated(implemented),
    ...leftOut(definitions),
    ...implemented.flatMap(({ operation }) => unreachable(operation, transports)),
    ...implemented.flatMap(({ operation }) => needsAuthenticator(operation, { options, settings })),
    ...unheardEvents(definitions, transports),
    ...repeatedTransports(transports),
  ]
}

function operationPlan(operation: Operation, invoke: Invoke, { options, settings, log }: Surroundings): CallPlan {
  return {
    id: operation.id,
    kind: operation.kind,
    timeoutMs: operation.timeoutMs ?? (operation.kind === 'unary' ? settings.callTimeoutMs : undefined),
    log,
    input: compileSchema(operation.inputSchema, operation.inputJsonSchema, `operation ${operation.id}: input`),
    output: compileSchema(operation.outputSchema, operation.outputJsonSchema, `operation ${operation.id}: output`),
    isOutputChecked: settings.isOutputChecked,
    authenticate: options.authenticate,
    access: compileAccess(operation.access ?? settings.defaultAccess),
    invoke,
  }
}

function composed(handler: Invoke, own: readonly Interceptor[], { options }: Surroundings): Invoke {
  return composeInterceptors([...(options.interceptors ?? []), ...own], handler)
}

interface Implemented {
  readonly handler: string
  readonly operation: Operation
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
      message: `${operation.id} is carried by no transport of the service: give it a binding, or add a transport`,
    },
  ]
}

function needsAuthenticator(
  operation: Operation,
  { options, settings }: Omit<Surroundings, 'gate' | 'log'>,
): readonly SetupProblem[] {
  if (options.authenticate || (operation.access ?? settings.defaultAccess) === 'public') return []
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
    message: `two transports of the service are named ${name}: keep one`,
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
