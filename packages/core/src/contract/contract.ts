import { ContractError, type SetupProblem } from '../error/setup-error.ts'
import { buildOperation } from './build-operation.ts'
import type { Operation, OperationSpec } from './operation.ts'
import type { RouteParameter } from './route.ts'
import type { WireOf } from '../schema/schema.ts'
import type { StreamOf } from './stream.ts'

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
