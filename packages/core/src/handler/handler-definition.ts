import type { Interceptor, Invoke } from '../call/rule/interceptor.ts'
import type { ContractInfo } from '../contract/contract.ts'
import type { EventType } from '../contract/event.ts'
import type { Operation } from '../contract/operation.ts'
import type { Consuming } from './consuming-options.ts'
import type { Timing } from './schedule/timing.ts'
import type { Serving } from './serving-options.ts'

const construction: unique symbol = Symbol.for('tenon.handler_construction') as never

/**
 * What a class with decorators and a call of `defineHandler()` both become. Frozen data; constructs nothing by itself, and
 * shows nobody outside how to construct or call the handler.
 */
export interface HandlerDefinition extends HandlerFacts {
  readonly [construction]: () => HandlerInstance
}

/** What is known of a handler before it is constructed. */
export interface HandlerFacts {
  /** For messages: the class's name, or the contract's. */
  readonly name: string
  /** The contracts this handler implements, whole or in part. */
  readonly contracts: readonly ContractInfo[]
  readonly operations: readonly ImplementedOperation[]
  readonly consumers: readonly ImplementedConsumer[]
  readonly schedules: readonly ImplementedSchedule[]
  /** Around all members, outermost first. The interceptors of each member begin with them. */
  readonly interceptors: readonly Interceptor[]
}

export interface ImplementedOperation {
  readonly operation: Operation
  readonly member: string
  readonly serving: Serving
  readonly interceptors: readonly Interceptor[]
}

export interface ImplementedConsumer extends Consuming {
  readonly event: EventType
  readonly member: string
  readonly interceptors: readonly Interceptor[]
}

export interface ImplementedSchedule {
  readonly name: string
  readonly timing: Timing
  readonly member: string
  readonly interceptors: readonly Interceptor[]
}

/** A constructed handler: finds a member as the function the dispatcher calls. */
export interface HandlerInstance {
  member(name: string): Invoke
}

/** @param construct Makes the handler; `inject()` works inside. */
export function handlerDefinition(facts: HandlerFacts, construct: () => HandlerInstance): HandlerDefinition {
  return Object.freeze({ ...facts, [construction]: construct })
}

export function isHandlerDefinition(value: unknown): value is HandlerDefinition {
  return typeof value === 'object' && value !== null && construction in value
}

/** Makes the handler. Only a service does so, to put its call paths around it. */
export function constructHandler(definition: HandlerDefinition): HandlerInstance {
  return definition[construction]()
}
