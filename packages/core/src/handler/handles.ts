import { type AnyContract, contractInfo, isContract } from '../contract/contract.ts'
import { checkAccess } from '../contract/check-settings.ts'
import type { AccessRule, Operation } from '../contract/operation.ts'
import { ContractError, type SetupProblem } from '../error/setup-error.ts'
import { type HandledContract, type HandlerMetadata, writableMetadata } from './handler-metadata.ts'

export interface HandlesOptions<Of extends AnyContract> {
  /** The operations this class implements, when it leaves the others to another class. */
  readonly only?: readonly (keyof Of & string)[]
  /** Who may call the operations whose contract does not say. @defaultValue the service's `defaultAccess` */
  readonly access?: AccessRule
}

type HandledClass = abstract new (...args: never[]) => object
type ClassDecorator = (handler: HandledClass, context: ClassDecoratorContext) => void

/**
 * Says which contracts a class implements: `@Handles(users)`, several, or a part: `@Handles(users, { only: ['getUser'] })`.
 *
 * @throws ContractError when the class is defined: `handler.missing_operation`, `handler.duplicate_operation`,
 * `handler.unknown_operation`, `handler.member`, each naming class, member and operation.
 */
export function Handles<Of extends AnyContract>(
  contract: Of,
  ...more: readonly [HandlesOptions<Of>] | readonly AnyContract[]
): ClassDecorator {
  const handled = toHandled([contract, ...more])
  return (_handler, context) => {
    const metadata = writableMetadata(context)
    metadata.contracts.push(...handled)
    const problems = checkHandler(context.name ?? '(anonymous class)', metadata)
    if (problems.length > 0) throw new ContractError(problems)
  }
}

/** Names in `only` that the contract does not have. */
export function unknownNames(
  where: string,
  { contract, only = [] }: Omit<HandledContract, 'access'>,
): readonly SetupProblem[] {
  const { name, operations } = contractInfo(contract)
  const unknown = only.filter((one) => !operations.some((operation) => operation.name === one))
  return unknown.map((one) => ({
    code: 'handler.unknown_operation',
    message: `${where}: names "${one}", which is no operation of ${name}`,
  }))
}

/** The operations a class promised to implement. */
function promisedOperations(contracts: readonly HandledContract[]): readonly Operation[] {
  return contracts.flatMap(({ contract, only }) => {
    const { operations } = contractInfo(contract)
    return only ? operations.filter(({ name }) => only.includes(name)) : operations
  })
}

/** Everything wrong between what a class promised and what its members implement. */
export function checkHandler(className: string, metadata: HandlerMetadata): readonly SetupProblem[] {
  const promised = [...new Set(promisedOperations(metadata.contracts))]
  const implemented = metadata.operations.map(({ operation }) => operation)
  return [
    ...metadata.contracts.flatMap((handled) => unknownNames(`class ${className}`, handled)),
    ...unreachableMembers(className, metadata),
    ...promised
      .filter((operation) => !implemented.includes(operation))
      .map(
        ({ id }): SetupProblem => ({
          code: 'handler.missing_operation',
          message: `class ${className} handles ${id} but no member implements it: add a method with @Implements`,
        }),
      ),
    ...metadata.operations
      .filter(({ operation }) => !promised.includes(operation))
      .map(
        ({ operation, member }): SetupProblem => ({
          code: 'handler.unknown_operation',
          message: `class ${className}: ${member.name} implements ${operation.id}, which the class does not handle: name its contract in @Handles`,
        }),
      ),
    ...repeatedOperations(className, metadata),
  ]
}

function unreachableMembers(
  className: string,
  { operations, consumers, schedules }: HandlerMetadata,
): readonly SetupProblem[] {
  const decorated = [
    ...operations.map(({ operation, member }) => ({ what: operation.id, member })),
    ...consumers.map(({ event, member }) => ({ what: event.topic, member })),
    ...schedules.map(({ name, member }) => ({ what: `schedule ${name}`, member })),
  ]
  return decorated
    .filter(({ member }) => member.obstacle !== undefined)
    .map(({ what, member }) => ({
      code: 'handler.member',
      message: `class ${className}: ${member.name} is ${member.obstacle} and cannot serve ${what}: make it a public method`,
    }))
}

function repeatedOperations(className: string, { operations }: HandlerMetadata): readonly SetupProblem[] {
  return operations.flatMap(({ operation, member }, index): SetupProblem[] => {
    const first = operations.findIndex((other) => other.operation === operation)
    if (first === index) return []
    const members = `${operations[first]?.member.name} and ${member.name}`
    return [
      { code: 'handler.duplicate_operation', message: `class ${className}: ${members} both implement ${operation.id}` },
    ]
  })
}

interface AnyOptions {
  readonly only?: readonly string[]
  readonly access?: AccessRule
}

function toHandled(given: readonly (AnyContract | AnyOptions)[]): readonly HandledContract[] {
  const last = given.at(-1)
  const { only, access } = isContract(last) || last === undefined ? {} : (last as AnyOptions)
  if (access !== undefined) {
    const problems = checkAccess('@Handles', access)
    if (problems.length > 0) throw new ContractError(problems)
  }
  return given.filter(isContract).map((contract) => ({ contract, only, access }))
}
