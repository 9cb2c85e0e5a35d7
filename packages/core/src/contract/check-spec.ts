import type { SetupProblem } from '../error/setup-error.ts'
import { bytesRangeOf } from '../schema/native/bytes.ts'
import { type JsonSchema, toJsonSchema } from '../schema/schema.ts'
import { UnusableSchema } from '../schema/unusable-schema.ts'

/** Topics also name CloudEvents types, so they follow one form. */
const topicForm = /^[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*$/

export interface ReadSchema {
  readonly jsonSchema: JsonSchema
  readonly problem: SetupProblem | undefined
}

/** The JSON Schema of a schema, which must describe one object. */
export function readJsonSchema(where: string, schema: unknown): ReadSchema {
  const read = readAnyJsonSchema(where, schema)
  if (read.problem || read.jsonSchema['type'] === 'object') return read
  return {
    ...read,
    problem: {
      code: 'contract.schema',
      message: `${where} must be an object schema, found ${describeType(read.jsonSchema)}`,
    },
  }
}

/** The JSON Schema of a schema of any type. */
export function readAnyJsonSchema(where: string, schema: unknown): ReadSchema {
  try {
    return { jsonSchema: toJsonSchema(schema), problem: undefined }
  } catch (error) {
    return { jsonSchema: {}, problem: { code: 'contract.schema', message: toMessage(where, error) } }
  }
}

/** One line for each place that is at fault. */
function toMessage(where: string, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error)
  const faults = error instanceof UnusableSchema ? error.faults : [{ path: '', reason }]
  return faults
    .map((fault) => `${fault.path ? `${where}: ${fault.path}` : where} cannot be used: ${fault.reason}`)
    .join('\n')
}

/** The schema of a field of an object schema. */
export function fieldOf(object: JsonSchema, name: string): JsonSchema | undefined {
  const properties = (object['properties'] ?? {}) as Record<string, JsonSchema>
  return Object.hasOwn(properties, name) ? properties[name] : undefined
}

/** The names of the fields of an object schema. */
export function fieldNames(object: JsonSchema): readonly string[] {
  return Object.keys((object['properties'] as object | undefined) ?? {})
}

export function requireTopic(where: string, topic: string): readonly SetupProblem[] {
  if (topicForm.test(topic) && topic.length <= 200) return []
  return [
    {
      code: 'contract.name',
      message: `${where}: expected a topic of lower-case words joined by dots, such as shop.order.placed.v1, found "${topic}"`,
    },
  ]
}

export function requireTextField(where: string, name: string, object: JsonSchema): readonly SetupProblem[] {
  const field = fieldOf(object, name)
  if (field?.['type'] === 'string' && !bytesRangeOf(field)) return []
  const found = field === undefined ? 'no such field' : bytesRangeOf(field) ? 'bytes' : describeType(field)
  return [{ code: 'contract.queue', message: `${where}: key "${name}" must name a text field, found ${found}` }]
}

export function describeType(schema: JsonSchema): string {
  const type = schema['type']
  return typeof type === 'string' ? `type "${type}"` : 'no single type'
}
