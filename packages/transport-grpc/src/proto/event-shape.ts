import type { EventType, Operation } from '@tenon/core/contract'
import { ContractError, type SetupProblem } from '@tenon/core/transport'
import type { MessageShape } from './message-shape.ts'
import { pascalCase } from './proto-name.ts'
import { shapeMessage } from './shape-message.ts'

/** The message of an event, and the package that it stands in. */
export interface EventShape {
  readonly package: string
  readonly shape: MessageShape
}

/**
 * The protobuf form of an event's payload. The topic is its package and the last word before the version its name:
 * `shop.order.placed.v1` is the message `Placed` of that package, which no other event has.
 *
 * @throws ContractError `contract.schema` naming event and place in the schema, `contract.name` for a topic that is no package; all
 * problems at once.
 */
export function shapeEvent({ topic, payloadJsonSchema }: EventType): EventShape {
  const where = `event ${topic}`
  const words = topic.split('.').map((word) => word.replaceAll('-', '_'))
  const owner = words.join('.')
  const word = words.findLast((one) => !/^v\d+[a-z0-9]*$/.test(one)) ?? topic
  const problems: SetupProblem[] = words.every((one) => /^[a-z]/.test(one)) ? [] : [noPackage(where)]
  const place = { where: `${where}: payload`, name: pascalCase(word), scope: owner, problems }
  const shape = shapePart(payloadJsonSchema, place)
  if (problems.length > 0) throw new ContractError(problems)
  return { package: owner, shape }
}

/**
 * The protobuf form of a command, which is that of its operation's request over gRPC.
 *
 * @throws ContractError `contract.schema` naming operation and place in the schema; all problems at once.
 */
export function shapeCommand({ id, contract, name, inputJsonSchema }: Operation): MessageShape {
  const scope = contract.slice(0, contract.lastIndexOf('.'))
  const problems: SetupProblem[] = []
  const place = { where: `operation ${id}: input`, name: `${pascalCase(name)}Request`, scope, problems }
  const shape = shapePart(inputJsonSchema, place)
  if (problems.length > 0) throw new ContractError(problems)
  return shape
}

interface Part {
  readonly where: string
  readonly name: string
  readonly scope: string
  readonly problems: SetupProblem[]
}

function shapePart(schema: EventType['payloadJsonSchema'], { where, name, scope, problems }: Part): MessageShape {
  const report = (path: string, found: string, advice = 'use a type that protobuf has') => {
    const message = `${where} cannot be a protobuf message: ${path || 'the schema'} is ${found}; ${advice}, or another format`
    problems.push({ code: 'contract.schema', message })
  }
  return shapeMessage(schema, { name, scope, report })
}

function noPackage(where: string): SetupProblem {
  const message = `${where}: its topic cannot be a protobuf package, whose words begin with a letter; use another topic, or another format`
  return { code: 'contract.name', message }
}
