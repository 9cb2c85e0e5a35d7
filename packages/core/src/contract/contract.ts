import { ContractError, type SetupProblem } from '../error/setup-error.ts'
import { checkSettings } from './check-settings.ts'
import {
  describeType,
  fieldNames,
  fieldOf,
  readAnyJsonSchema,
  readJsonSchema,
  requireTextField,
  requireTopic,
} from './check-spec.ts'
import type { HttpBinding, HttpOperation, Idempotency, Operation, OperationKind, OperationSpec } from './operation.ts'
import { type HttpMethod, type HttpRoute, parseRoute, type RouteParameter } from './route.ts'
import type { JsonSchema, Schema, WireOf } from './schema.ts'
import { isStream, type StreamOf } from './stream.ts'
import { readStreamBinding } from './stream-binding.ts'

const brand: unique symbol = Symbol.for('tenon.contract') as never

type Specs = Readonly<Record<string, OperationSpec>>

/** A contract: its operations by name, plus what `contractInfo()` tells of it. Frozen data. */
export type Contract<Ops extends Specs = Specs> = { readonly [Name in keyof Ops]: Operation<Ops[Name]> } & {
  readonly [brand]: ContractInfo
}

// oxlint-disable-next-line typescript/no-explicit-any -- Contract alone would be invariant in its operations
export type AnyContract = Contract<any>

export interface ContractInfo {
  /** Full protobuf-style name: `shop.user.v1.UserService`. */
  readonly name: string
  readonly operations: readonly Operation[]
}

type RouteOf<Spec> = Spec extends { readonly http: infer Http }
  ? Http extends HttpBinding
    ? Http['route']
    : Http
  : never
type FieldOf<Spec extends OperationSpec> = keyof WireOf<
  Spec['input'] extends StreamOf<infer Item> ? Item : Spec['input']
> &
  string
type StrayKey<Spec> = Exclude<keyof Spec, keyof OperationSpec>
type StrayParameter<Spec extends OperationSpec> = Exclude<RouteParameter<RouteOf<Spec>>, FieldOf<Spec>>

type CheckRoute<Spec extends OperationSpec> = [StrayParameter<Spec>] extends [never]
  ? unknown
  : { readonly http: { readonly 'a route parameter is no field of the input': StrayParameter<Spec> } }

type CheckQueue<Spec extends OperationSpec> = Spec extends { readonly queue: { readonly key: infer Key } }
  ? Key extends FieldOf<Spec>
    ? unknown
    : { readonly queue: { readonly 'the key must be a field of the input': FieldOf<Spec> } }
  : unknown

type CheckKeys<Spec extends OperationSpec> = [StrayKey<Spec>] extends [never]
  ? unknown
  : { readonly [Key in StrayKey<Spec>]: 'no setting of an operation has this name' }

type CheckSpec<Spec extends OperationSpec> = CheckRoute<Spec> & CheckQueue<Spec> & CheckKeys<Spec>

/**
 * Declares a contract: the operations that a service offers and others call.
 *
 * @param name Lower-case words joined by dots, a version, and a capitalised service name: `shop.user.v1.UserService`.
 * @throws ContractError `contract.name`, `contract.route`, `contract.schema`, `contract.queue`, `contract.setting`; all problems at once.
 */
export function contract<const Ops extends Specs>(
  name: string,
  operations: Ops & { readonly [Name in keyof Ops]: CheckSpec<Ops[Name]> },
): Contract<Ops> {
  const problems: SetupProblem[] = []
  if (!contractName.test(name))
    problems.push({
      code: 'contract.name',
      message: `contract "${name}": expected a name such as shop.user.v1.UserService`,
    })
  const built = Object.entries<OperationSpec>(operations).map(([operation, spec]) =>
    buildOperation({ contract: name, name: operation, spec, problems }),
  )
  if (problems.length > 0) throw new ContractError(problems)
  const info: ContractInfo = Object.freeze({ name, operations: Object.freeze(built) })
  const byName = Object.fromEntries(built.map((operation) => [operation.name, operation]))
  return Object.freeze({ ...byName, [brand]: info }) as unknown as Contract<Ops>
}

/** Name and operations of a contract. */
export function contractInfo(of: Contract): ContractInfo {
  return of[brand]
}

/** Whether a value was made by `contract()`, also by another installed copy of this package. */
export function isContract(value: unknown): value is Contract {
  return typeof value === 'object' && value !== null && brand in value
}

const contractName = /^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*\.[A-Z][A-Za-z0-9]*$/
const operationName = /^[a-z][A-Za-z0-9]*$/
interface Draft {
  readonly contract: string
  readonly name: string
  readonly spec: OperationSpec
  readonly problems: SetupProblem[]
}

function buildOperation(draft: Draft): Operation {
  const { contract: owner, name, spec, problems } = draft
  const id = `${owner}/${name}`
  if (!operationName.test(name))
    problems.push({ code: 'contract.name', message: `operation ${id}: expected a name such as getUser` })
  // A client with a method of this name would be taken for a promise.
  if (name === 'then')
    problems.push({ code: 'contract.name', message: `operation ${id}: an operation cannot be named then` })
  problems.push(...checkSettings(id, spec))
  const inputSchema = itemOf(spec.input)
  const outputSchema = itemOf(spec.output)
  const input = readJsonSchema(`operation ${id}: input`, inputSchema)
  const output = readAnyJsonSchema(`operation ${id}: output`, outputSchema)
  for (const { problem } of [input, output]) if (problem) problems.push(problem)
  const http =
    spec.http === undefined || input.problem
      ? undefined
      : buildHttp(id, draft, { input: input.jsonSchema, output: output.jsonSchema })
  if (spec.queue) {
    problems.push(...requireTopic(`operation ${id}`, spec.queue.topic))
    if (!input.problem) problems.push(...requireTextField(`operation ${id}`, spec.queue.key, input.jsonSchema))
  }
  return Object.freeze({
    spec,
    id,
    contract: owner,
    name,
    kind: kindOf(spec),
    inputSchema,
    outputSchema,
    inputJsonSchema: input.jsonSchema,
    outputJsonSchema: output.jsonSchema,
    errors: Object.freeze([...(spec.errors ?? [])]),
    http,
    queue: spec.queue && Object.freeze({ ...spec.queue }),
    grpc: spec.grpc ?? true,
    access: spec.access,
    timeoutMs: spec.timeoutMs,
    idempotency: spec.idempotency ?? defaultIdempotency(http?.method),
    summary: spec.summary,
    deprecated: spec.deprecated ?? false,
  })
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

function buildHttp(id: string, { spec, problems }: Draft, { input, output }: Schemas): HttpOperation | undefined {
  const binding: HttpBinding = typeof spec.http === 'string' ? { route: spec.http } : (spec.http as HttpBinding)
  const report = (message: string) =>
    problems.push({ code: 'contract.route', message: `operation ${id}: route "${binding.route}": ${message}` })
  try {
    const route = parseRoute(binding.route)
    const fields = httpFields(route, binding, input)
    const elsewhere = new Set([...route.parameters, ...fields.query])
    const streams = readStreamBinding(binding, { spec, input, output, elsewhere })
    for (const problem of [...fields.problems, ...streams.problems]) report(problem)
    if (isStream(spec.input) && !fields.hasBody)
      report('an input stream is the body of the request: expected POST, PUT or PATCH')
    return Object.freeze({
      ...route,
      ...streams.settings,
      status: binding.status ?? 200,
      query: Object.freeze(fields.query),
      hasBody: fields.hasBody,
    })
  } catch (error) {
    report(error instanceof Error ? error.message : String(error))
    return undefined
  }
}

/** Divides the input's fields among path, query and body, and names what does not fit. */
function httpFields(route: HttpRoute, binding: HttpBinding, input: JsonSchema) {
  const problems: string[] = []
  const hasBody = route.method !== 'GET' && route.method !== 'DELETE'
  const inPath = new Set(route.parameters)
  const named = binding.query ?? []
  const query = hasBody ? [...new Set(named)] : fieldNames(input).filter((name) => !inPath.has(name))
  for (const name of new Set([...inPath, ...query, ...named])) {
    const field = fieldOf(input, name)
    if (field === undefined) problems.push(`"${name}" is no field of the input`)
    else if (!isText(field, inPath.has(name)))
      problems.push(`field "${name}" cannot be read from text: ${describeType(field)}`)
    if (inPath.has(name) && named.includes(name)) problems.push(`field "${name}" is in the path and in query`)
  }
  if (binding.status !== undefined && !(binding.status >= 200 && binding.status <= 299))
    problems.push(`status must be from 200 to 299, found ${binding.status}`)
  return { problems, query, hasBody }
}

/** Whether a field can be written in a path or a query: a scalar, or in a query a list of scalars. */
function isText(field: JsonSchema, isInPath: boolean): boolean {
  if (field['type'] === 'array') return !isInPath && isText((field['items'] ?? {}) as JsonSchema, true)
  const variants = (field['anyOf'] ?? field['oneOf']) as readonly JsonSchema[] | undefined
  // A list among alternatives could not be told from one of its items.
  if (variants) return variants.every((variant) => variant['type'] !== 'array' && isText(variant, isInPath))
  if (Array.isArray(field['enum']) || 'const' in field) return true
  return ['string', 'integer', 'number', 'boolean'].includes(String(field['type']))
}

function defaultIdempotency(method: HttpMethod | undefined): Idempotency {
  if (method === 'GET') return 'safe'
  return method === 'PUT' || method === 'DELETE' ? 'idempotent' : 'none'
}
