import { ContractError, type SetupProblem } from '../error/setup-error.ts'
import { buildHttp } from './build-http.ts'
import { checkSettings } from './check-settings.ts'
import { readAnyJsonSchema, readJsonSchema, requireTextField, requireTopic } from './check-spec.ts'
import { readDeprecation } from './deprecation.ts'
import { noExamples, readExamples } from './example.ts'
import type { HttpOperation } from './http-binding.ts'
import type { Idempotency, Operation, OperationKind, OperationSpec } from './operation.ts'
import type { HttpMethod, RouteParameter } from './route.ts'
import type { JsonSchema, Schema, WireOf } from '../schema/schema.ts'
import { isStream, type StreamOf } from './stream.ts'

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

/** What a contract says beside its operations. */
export interface ContractOptions {
  /**
   * What fixes its form in protobuf: the `.proto` file that was generated from it and keeps its field numbers, or, for a
   * contract that was made from such files, the descriptor of each operation's method, by the operation's name. Read by gRPC alone.
   */
  readonly proto?: URL | Readonly<Record<string, object>>
}

type HttpOf<Spec> = Spec extends { readonly http: infer Http } ? Http : never
/** One route or several, as a union. */
type RouteOf<Http> = Http extends { readonly route: infer Route }
  ? Route extends readonly (infer One)[]
    ? One
    : Route
  : Http
type KeysAt<Http, Place extends 'headers' | 'cookies'> = Http extends { readonly [P in Place]: infer Fields }
  ? keyof Fields & string
  : never
type BodyOf<Http> = Http extends { readonly body: infer Field extends string } ? Field : never
/** The fields that a binding with settings names for the input. */
type NamedIn<Http> = Http extends string ? never : KeysAt<Http, 'headers'> | KeysAt<Http, 'cookies'> | BodyOf<Http>
type FieldOf<Spec extends OperationSpec> = keyof WireOf<
  Spec['input'] extends StreamOf<infer Item> ? Item : Spec['input']
> &
  string
type StrayKey<Spec> = Exclude<keyof Spec, keyof OperationSpec>
type StrayParameter<Spec extends OperationSpec> = Exclude<RouteParameter<RouteOf<HttpOf<Spec>>>, FieldOf<Spec>>
type StrayField<Spec extends OperationSpec> = Exclude<NamedIn<HttpOf<Spec>>, FieldOf<Spec>>

type CheckRoute<Spec extends OperationSpec> = [StrayParameter<Spec>] extends [never]
  ? unknown
  : { readonly http: { readonly 'a route parameter is no field of the input': StrayParameter<Spec> } }

type CheckPlaces<Spec extends OperationSpec> = [StrayField<Spec>] extends [never]
  ? unknown
  : { readonly http: { readonly 'what headers, cookies or body name is no field of the input': StrayField<Spec> } }

type CheckQueue<Spec extends OperationSpec> = Spec extends { readonly queue: { readonly key: infer Key } }
  ? Key extends FieldOf<Spec>
    ? unknown
    : { readonly queue: { readonly 'the key must be a field of the input': FieldOf<Spec> } }
  : unknown

type CheckKeys<Spec extends OperationSpec> = [StrayKey<Spec>] extends [never]
  ? unknown
  : { readonly [Key in StrayKey<Spec>]: 'no setting of an operation has this name' }

type CheckSpec<Spec extends OperationSpec> = CheckRoute<Spec> & CheckPlaces<Spec> & CheckQueue<Spec> & CheckKeys<Spec>

/**
 * Declares a contract: the operations that a service offers and others call.
 *
 * @param name Lower-case words joined by dots, a version, and a capitalised service name: `shop.user.v1.UserService`.
 * @throws ContractError `contract.name`, `contract.route`, `contract.schema`, `contract.queue`, `contract.setting`; all problems at once.
 */
export function contract<const Ops extends Specs>(
  name: string,
  operations: Ops & { readonly [Name in keyof Ops]: CheckSpec<Ops[Name]> },
  { proto }: ContractOptions = {},
): Contract<Ops> {
  const problems: SetupProblem[] = []
  if (!contractName.test(name))
    problems.push({
      code: 'contract.name',
      message: `contract "${name}": expected a name such as shop.user.v1.UserService`,
    })
  const built = Object.entries<OperationSpec>(operations).map(([operation, spec]) =>
    buildOperation({
      contract: name,
      name: operation,
      spec,
      proto: proto instanceof URL ? proto : proto?.[operation],
      problems,
    }),
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
  readonly proto: URL | object | undefined
  readonly problems: SetupProblem[]
}

function buildOperation(draft: Draft): Operation {
  const { contract: owner, name, spec, proto, problems } = draft
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
  const schemas = { input: input.jsonSchema, output: output.jsonSchema }
  const http = input.problem ? undefined : readHttp(id, draft, schemas)
  const { deprecation, problems: ends } = readDeprecation(spec.deprecated)
  const { examples, problems: misfits } = input.problem || output.problem ? noExamples : readExamples(spec, schemas)
  for (const message of [...ends, ...misfits])
    problems.push({ code: 'contract.setting', message: `operation ${id}: ${message}` })
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
    proto,
    access: spec.access,
    timeoutMs: spec.timeoutMs,
    idempotency: spec.idempotency ?? defaultIdempotency(http?.method),
    summary: spec.summary,
    description: spec.description,
    examples,
    tags: Object.freeze([...(spec.tags ?? [owner.slice(owner.lastIndexOf('.') + 1)])]),
    deprecated: deprecation !== undefined,
    deprecation,
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
