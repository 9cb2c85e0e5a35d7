import type { SetupProblem } from '../error/setup-error.ts'
import type { JsonSchema, Schema } from '../schema/schema.ts'
import { buildHttp } from './build-http.ts'
import { checkSettings } from './check-settings.ts'
import { readAnyJsonSchema, readJsonSchema, requireTextField, requireTopic } from './check-spec.ts'
import { type Deprecation, readDeprecation } from './deprecation.ts'
import { noExamples, readExamples } from './example.ts'
import type { HttpOperation } from './http-binding.ts'
import type { Idempotency, Operation, OperationKind, OperationSpec } from './operation.ts'
import type { HttpMethod } from './route.ts'
import { isStream, type StreamOf } from './stream.ts'

/** An operation as it was written, with where to tell what is wrong with it. */
export interface Draft {
  /** The contract's name. */
  readonly contract: string
  readonly name: string
  readonly spec: OperationSpec
  readonly proto: URL | object | undefined
  readonly problems: SetupProblem[]
}

/** Frozen data out of an operation's settings, with every default filled in; what is wrong is added to the problems. */
export function buildOperation(draft: Draft): Operation {
  const { contract: owner, name, spec, proto } = draft
  const id = `${owner}/${name}`
  requireName(id, draft)
  draft.problems.push(...checkSettings(id, spec))
  return Object.freeze({
    spec,
    id,
    contract: owner,
    name,
    kind: kindOf(spec),
    ...readSchemas(id, draft),
    errors: Object.freeze([...(spec.errors ?? [])]),
    queue: spec.queue && Object.freeze({ ...spec.queue }),
    grpc: spec.grpc ?? true,
    proto,
    access: spec.access,
    timeoutMs: spec.timeoutMs,
    summary: spec.summary,
    description: spec.description,
    tags: Object.freeze([...(spec.tags ?? [owner.slice(owner.lastIndexOf('.') + 1)])]),
    ...readEnd(id, draft),
  })
}

const operationName = /^[a-z][A-Za-z0-9]*$/

function requireName(id: string, { name, problems }: Draft): void {
  const report = (message: string) => problems.push({ code: 'contract.name', message: `operation ${id}: ${message}` })
  if (!operationName.test(name)) report('expected a name such as getUser')
  // A client with a method of this name would be taken for a promise.
  if (name === 'then') report('an operation cannot be named then')
}

type FromSchemas =
  | 'inputSchema'
  | 'outputSchema'
  | 'inputJsonSchema'
  | 'outputJsonSchema'
  | 'http'
  | 'idempotency'
  | 'examples'

/** The schemas, and all that can only be read with them. */
function readSchemas(id: string, draft: Draft): Pick<Operation, FromSchemas> {
  const { spec, problems } = draft
  const inputSchema = itemOf(spec.input)
  const outputSchema = itemOf(spec.output)
  const input = readJsonSchema(`operation ${id}: input`, inputSchema)
  const output = readAnyJsonSchema(`operation ${id}: output`, outputSchema)
  for (const { problem } of [input, output]) if (problem) problems.push(problem)
  const schemas = { input: input.jsonSchema, output: output.jsonSchema }
  const http = input.problem ? undefined : readHttp(id, draft, schemas)
  const { examples, problems: misfits } = input.problem || output.problem ? noExamples : readExamples(spec, schemas)
  reportSettings(id, draft, misfits)
  if (spec.queue) {
    problems.push(...requireTopic(`operation ${id}`, spec.queue.topic))
    if (!input.problem) problems.push(...requireTextField(`operation ${id}`, spec.queue.key, input.jsonSchema))
  }
  return {
    inputSchema,
    outputSchema,
    inputJsonSchema: input.jsonSchema,
    outputJsonSchema: output.jsonSchema,
    http,
    idempotency: spec.idempotency ?? defaultIdempotency(http?.method),
    examples,
  }
}

/** Whether, and when, the operation is to end. */
function readEnd(id: string, draft: Draft): { deprecated: boolean; deprecation: Deprecation | undefined } {
  const { deprecation, problems } = readDeprecation(draft.spec.deprecated)
  reportSettings(id, draft, problems)
  return { deprecated: deprecation !== undefined, deprecation }
}

function reportSettings(id: string, { problems }: Draft, messages: readonly string[]): void {
  for (const message of messages) problems.push({ code: 'contract.setting', message: `operation ${id}: ${message}` })
}

function kindOf({ input, output }: OperationSpec): OperationKind {
  if (isStream(input)) return isStream(output) ? 'bidi_stream' : 'client_stream'
  return isStream(output) ? 'server_stream' : 'unary'
}

function itemOf(schema: Schema | StreamOf): Schema {
  return isStream(schema) ? schema.item : schema
}

interface Schemas {
  readonly input: JsonSchema
  readonly output: JsonSchema
}

function readHttp(id: string, { spec, problems }: Draft, schemas: Schemas): HttpOperation | undefined {
  const { http } = spec
  if (http === undefined) return undefined
  const report = (route: string, message: string) =>
    problems.push({ code: 'contract.route', message: `operation ${id}: route "${route}": ${message}` })
  return buildHttp({ ...schemas, spec, binding: typeof http === 'string' ? { route: http } : http, report })
}

function defaultIdempotency(method: HttpMethod | undefined): Idempotency {
  if (method === 'GET') return 'safe'
  return method === 'PUT' || method === 'DELETE' ? 'idempotent' : 'none'
}
