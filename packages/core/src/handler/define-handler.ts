import type { Interceptor, Invoke } from '../call/rule/interceptor.ts'
import { type AnyContract, type ContractInfo, contractInfo } from '../contract/contract.ts'
import type { EventType } from '../contract/event.ts'
import type { AccessRule, Operation } from '../contract/operation.ts'
import { ContractError } from '../error/setup-error.ts'
import { type BatchConsumesOptions, type ConsumesOptions, toConsuming } from './consuming-options.ts'
import { type HandlerDefinition, type HandlerInstance, handlerDefinition } from './handler-definition.ts'
import { unknownNames } from './handles.ts'
import type { BatchMethod, ConsumerMethod, OperationMethod, ScheduleMethod } from './method-type.ts'
import type { Timing } from './schedule/timing.ts'
import { toTiming } from './schedule/to-timing.ts'
import { type ServingOptions, toServing } from './serving-options.ts'

type OperationNames<Of> = keyof { [Name in keyof Of as Name extends string ? Name : never]: true }

/** The methods that implement a contract. */
export type Methods<Of extends AnyContract, Name extends OperationNames<Of>> = {
  readonly [Key in Name]: Of[Key] extends Operation ? OperationMethod<Of[Key]> : never
}

export interface DefineHandlerOptions<Of extends AnyContract, Name extends OperationNames<Of>> {
  /** The operations this handler implements, when it leaves the others to another one. */
  readonly only?: readonly Name[]
  /** Around all methods, outermost first. */
  readonly interceptors?: readonly Interceptor[]
  /** Who may call the operations whose contract does not say. @defaultValue the service's `defaultAccess` */
  readonly access?: AccessRule
  /** More about single operations. */
  readonly operations?: {
    readonly [Key in Name]?: Of[Key] extends Operation ? ServingOptions<Of[Key]> : never
  }
}

/**
 * A handler without decorators, the same thing as a class with `@Handles`, and fully inferred. `inject()` works inside
 * `make`, which must do nothing but construct: when the service starts it runs first with placeholders, to learn what it
 * injects, and then in earnest.
 *
 * @throws ContractError `handler.unknown_operation` for a name in `only` or `operations` that the contract does not have, `contract.setting`; when the service
 * starts, `handler.missing_operation` for a method that is missing.
 */
export function defineHandler<Of extends AnyContract, Name extends OperationNames<Of> = OperationNames<Of>>(
  contract: Of,
  make: () => Methods<Of, NoInfer<Name>>,
  options: DefineHandlerOptions<Of, Name> = {},
): HandlerDefinition {
  const info = contractInfo(contract)
  const { only, interceptors = [] } = options
  const more = (options.operations ?? {}) as Readonly<Record<string, ServingOptions>>
  const problems = unknownNames(`defineHandler(${info.name})`, {
    contract,
    only: [...((only as readonly string[] | undefined) ?? []), ...Object.keys(more)],
  })
  if (problems.length > 0) throw new ContractError(problems)
  const operations = info.operations.filter(
    ({ name }) => only === undefined || (only as readonly string[]).includes(name),
  )
  const servingOf = (name: string) =>
    toServing(`defineHandler(${info.name}): ${name}`, {
      ...(options.access !== undefined && { access: options.access }),
      ...(Object.hasOwn(more, name) && more[name]),
    })
  return handlerDefinition(
    {
      name: info.name,
      contracts: [info],
      interceptors,
      operations: operations.map((operation) => ({
        operation,
        member: operation.name,
        serving: servingOf(operation.name),
        interceptors,
      })),
      consumers: [],
      schedules: [],
    },
    () => methodsInstance(info, operations, make()),
  )
}

/**
 * A consumer of an event without decorators. `make` is what it is for `defineHandler()`. With `batch` it gives a handler of several
 * messages at once: `(items, call) => …`, where each item has a `payload`.
 *
 * @throws ContractError `contract.setting`
 */
export function defineConsumer<Event extends EventType>(
  event: Event,
  make: () => BatchMethod<Event>,
  options: BatchConsumesOptions,
): HandlerDefinition
export function defineConsumer<Event extends EventType>(
  event: Event,
  make: () => ConsumerMethod<Event>,
  options?: ConsumesOptions,
): HandlerDefinition
export function defineConsumer(
  event: EventType,
  make: () => (input: never, call: never) => unknown,
  options: ConsumesOptions | BatchConsumesOptions = {},
): HandlerDefinition {
  const consuming = toConsuming(`defineConsumer(${event.topic})`, options)
  return handlerDefinition(
    {
      name: `consumer of ${event.topic}`,
      contracts: [],
      interceptors: [],
      operations: [],
      consumers: [{ event, ...consuming, member: 'handle', interceptors: [] }],
      schedules: [],
    },
    () => singleMember(make()),
  )
}

/** A schedule without decorators. `make` is what it is for `defineHandler()`. */
export function defineSchedule(name: string, timing: Timing, make: () => ScheduleMethod): HandlerDefinition {
  return handlerDefinition(
    {
      name: `schedule ${name}`,
      contracts: [],
      interceptors: [],
      operations: [],
      consumers: [],
      schedules: [{ name, timing: toTiming(timing), member: 'run', interceptors: [] }],
    },
    () => singleMember(make()),
  )
}

function singleMember(method: unknown): HandlerInstance {
  const invoke = method as Invoke
  return { member: () => invoke }
}

function methodsInstance(info: ContractInfo, operations: readonly Operation[], methods: object): HandlerInstance {
  const missing = operations.filter(({ name }) => typeof Reflect.get(methods, name) !== 'function')
  if (missing.length > 0) {
    throw new ContractError(
      missing.map(({ id }) => ({
        code: 'handler.missing_operation',
        message: `defineHandler(${info.name}): no method implements ${id}`,
      })),
    )
  }
  return { member: (name) => (Reflect.get(methods, name) as Invoke).bind(methods) }
}
