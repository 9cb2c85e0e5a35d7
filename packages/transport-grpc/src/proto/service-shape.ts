import type { ContractInfo, Operation } from '@tenon/core/contract'
import { ContractError, type SetupProblem } from '@tenon/core/transport'
import type { MethodShape, ServiceShape } from './message-shape.ts'
import { pascalCase } from './proto-name.ts'
import { shapeMessage } from './shape-message.ts'

/**
 * The protobuf form of a contract's operations, those with `grpc: false` left out.
 *
 * @throws ContractError `contract.schema` naming operation and place in the schema; all problems at once.
 */
export function toServiceShape({ name: fullName, operations }: ContractInfo): ServiceShape {
  const cut = fullName.lastIndexOf('.')
  const service = { fullName, package: fullName.slice(0, cut), name: fullName.slice(cut + 1) }
  const problems: SetupProblem[] = []
  const methods = operations
    .filter(({ grpc }) => grpc)
    .map((operation): MethodShape => {
      const name = pascalCase(operation.name)
      const shapeOf = (side: 'input' | 'output') => {
        const schema = side === 'input' ? operation.inputJsonSchema : operation.outputJsonSchema
        const message = side === 'input' ? `${name}Request` : `${name}Response`
        const report = (path: string, found: string, advice = 'use a type that protobuf has') =>
          problems.push(unfit(`${operation.id}: ${side}`, { path, found, advice }))
        return shapeMessage(schema, { name: message, scope: service.package, report })
      }
      return { operation, name, request: shapeOf('input'), response: shapeOf('output') }
    })
  for (const { operation, request, response } of methods) {
    if ([request.name, response.name].includes(service.name)) problems.push(sameName(operation, service.fullName))
  }
  if (problems.length > 0) throw new ContractError(problems)
  return { ...service, methods }
}

function sameName({ id }: Operation, fullName: string): SetupProblem {
  const message = `operation ${id}: one of its protobuf messages would have the name of its service, ${fullName}; rename one of them, or grpc: false`
  return { code: 'contract.name', message }
}

interface Unfit {
  readonly path: string
  readonly found: string
  readonly advice: string
}

function unfit(where: string, { path, found, advice }: Unfit): SetupProblem {
  const message = `operation ${where} cannot be a protobuf message: ${path || 'the schema'} is ${found}; ${advice}, or grpc: false`
  return { code: 'contract.schema', message }
}
