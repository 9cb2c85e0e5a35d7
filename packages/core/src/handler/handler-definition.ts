import type { Interceptor, Invoke } from '../call/interceptor.ts'
import type { ContractInfo } from '../contract/contract.ts'
import type { EventType } from '../contract/event.ts'
import type { Operation } from '../contract/operation.ts'

/** What a class with decorators and a call of `defineHandler()` both become. Frozen data; constructs nothing by itself. */
export interface HandlerDefinition {
  /** For messages: the class's name, or the contracts' names. */
  readonly name: string
  /** The contracts this handler implements, whole or in part. */
  readonly contracts: readonly ContractInfo[]
  readonly operations: readonly ImplementedOperation[]
  readonly consumers: readonly ImplementedConsumer[]
  /** Makes the handler; `inject()` works inside. */
  construct(): HandlerInstance
}

export interface ImplementedOperation {
  readonly operation: Operation
  readonly member: string
  readonly interceptors: readonly Interceptor[]
}

export interface ImplementedConsumer {
  readonly event: EventType
  /** Undefined means the service's name. */
  readonly group: string | undefined
  readonly member: string
  readonly interceptors: readonly Interceptor[]
}

/** A constructed handler: finds a member as the function the dispatcher calls. */
export interface HandlerInstance {
  member(name: string): Invoke
}

const brand: unique symbol = Symbol.for('tenon.handler_definition') as never

export function handlerDefinition(definition: HandlerDefinition): HandlerDefinition {
  return Object.freeze({ ...definition, [brand]: true })
}

export function isHandlerDefinition(value: unknown): value is HandlerDefinition {
  return typeof value === 'object' && value !== null && brand in value
}
