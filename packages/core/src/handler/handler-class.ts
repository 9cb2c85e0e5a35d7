import type { Invoke } from '../call/rule/interceptor.ts'
import { contractInfo } from '../contract/contract.ts'
import type { Operation } from '../contract/operation.ts'
import { ContractError } from '../error/setup-error.ts'
import {
  type HandlerDefinition,
  type HandlerFacts,
  handlerDefinition,
  isHandlerDefinition,
} from './handler-definition.ts'
import { type HandlerMetadata, metadataOf } from './handler-metadata.ts'
import { checkHandler } from './handles.ts'
import type { Serving } from './serving-options.ts'

/** A handler class; its constructor takes nothing, what it needs comes from `inject()`. */
export type HandlerClass = new () => object

/** What `handlers` of a service may hold. */
export type Handler = HandlerClass | HandlerDefinition

/**
 * The definition behind a handler.
 *
 * @throws ContractError when the class has no decorator of ours, or they contradict one another.
 */
export function toHandlerDefinition(handler: Handler): HandlerDefinition {
  if (isHandlerDefinition(handler)) return handler
  const metadata = metadataOf(handler)
  if (metadata === undefined) {
    throw new ContractError([
      {
        code: 'handler.unknown_operation',
        message: `class ${handler.name} is no handler: give it @Handles(contract) or a method with @Consumes or @Runs`,
      },
    ])
  }
  const problems = checkHandler(handler.name, metadata)
  if (problems.length > 0) throw new ContractError(problems)
  const interceptors = metadata.interceptors.get('') ?? []
  const around = (member: string) => [...interceptors, ...(metadata.interceptors.get(member) ?? [])]
  const facts: HandlerFacts = {
    name: handler.name,
    interceptors,
    contracts: metadata.contracts.map(({ contract }) => contractInfo(contract)),
    operations: metadata.operations.map(({ operation, serving, member }) => ({
      operation,
      member: member.name,
      serving: withClassAccess(serving, { operation, metadata }),
      interceptors: around(member.name),
    })),
    consumers: metadata.consumers.map(({ member, ...consumer }) => ({
      ...consumer,
      member: member.name,
      interceptors: around(member.name),
    })),
    schedules: metadata.schedules.map(({ name, timing, member }) => ({
      name,
      timing,
      member: member.name,
      interceptors: around(member.name),
    })),
  }
  return handlerDefinition(facts, () => {
    const instance = new handler()
    return { member: (name) => (Reflect.get(instance, name) as Invoke).bind(instance) }
  })
}

/** What a method says comes before what its class says. */
function withClassAccess(
  serving: Serving,
  { operation, metadata }: { readonly operation: Operation; readonly metadata: HandlerMetadata },
): Serving {
  if (serving.access !== undefined) return serving
  const handled = metadata.contracts.find(
    ({ contract, only }) =>
      contractInfo(contract).operations.includes(operation) && (only?.includes(operation.name) ?? true),
  )
  return { ...serving, access: handled?.access }
}
