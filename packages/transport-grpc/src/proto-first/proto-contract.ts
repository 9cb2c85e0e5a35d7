import type { DescFile, DescMessage, DescMethod, DescService, MessageShape, Registry } from '@bufbuild/protobuf'
import type { Contract, OperationSpec, StreamOf } from '@tenon/core/contract'
import { buildContract } from './build-contract.ts'
import type { ProtoOperationOptions } from './proto-operation.ts'
import type { NoObjectName, ProtoSchema } from './proto-value.ts'
import type { Int64Form } from './scalar-schema.ts'

/** A service as protoc-gen-es generates it, of which the methods count here. */
export interface GeneratedService {
  readonly kind: 'service'
  readonly typeName: string
  readonly file: DescFile
  readonly method: Readonly<Record<string, GeneratedMethod>>
}

type GeneratedMethod = Pick<DescMethod, 'methodKind'> & { readonly input: DescMessage; readonly output: DescMessage }

/** What a `.proto` file cannot say of a service. */
export interface ProtoContractOptions<Names extends string = string> {
  /**
   * How handlers and clients see 64-bit integers. A field with `jstype = JS_STRING` is text in either case.
   *
   * @defaultValue 'bigint'
   */
  readonly int64?: Int64Form
  /** Whether `google.api.http` annotations become HTTP routes. @defaultValue true */
  readonly http?: boolean
  /** Settings of single operations, which go before what the file says. */
  readonly operations?: { readonly [Name in Names]?: ProtoOperationOptions }
  /** Messages that a `google.protobuf.Any` may hold beside those of the service's file and its imports. */
  readonly types?: Registry
}

type NameOf<Service extends GeneratedService> = keyof Service['method'] & string
type FormOf<Options> = Options extends { readonly int64: infer Form extends Int64Form } ? Form : 'bigint'
type OptionsOf<Options, Name> = Options extends { readonly operations: { readonly [N in Name & string]: infer Own } }
  ? Own extends object
    ? Omit<Own, 'http'>
    : unknown
  : unknown

type Input<Method extends GeneratedMethod, Form extends Int64Form> = Method['methodKind'] extends
  | 'client_streaming'
  | 'bidi_streaming'
  ? StreamOf<ProtoSchema<Method['input'], Form>>
  : ProtoSchema<Method['input'], Form>

type Output<Method extends GeneratedMethod, Form extends Int64Form> = Method['methodKind'] extends
  | 'server_streaming'
  | 'bidi_streaming'
  ? StreamOf<ProtoSchema<Method['output'], Form>>
  : ProtoSchema<Method['output'], Form>

/** The operations of a service, by name. */
export type ProtoSpecs<Service extends GeneratedService, Options> = {
  readonly [Name in NameOf<Service>]: {
    readonly input: Input<Service['method'][Name], FormOf<Options>>
    readonly output: Output<Service['method'][Name], FormOf<Options>>
  } & OptionsOf<Options, Name>
}

/** The contract of a generated service. */
export type ProtoContract<Service extends GeneratedService, Options = unknown> =
  ProtoSpecs<Service, Options> extends infer Specs extends Readonly<Record<string, OperationSpec>>
    ? Contract<Specs>
    : never

type StrayName<Service extends GeneratedService, Options> = Options extends { readonly operations: infer Own }
  ? Exclude<keyof Own, NameOf<Service>>
  : never

type CheckNames<Service extends GeneratedService, Options> = [StrayName<Service, Options>] extends [never]
  ? unknown
  : { readonly operations: { readonly 'no method of the service has this name': StrayName<Service, Options> } }

type RefusedName<Service extends GeneratedService> = {
  [Name in NameOf<Service>]: MessageShape<Service['method'][Name]['input']>['$typeName'] extends NoObjectName
    ? Name
    : never
}[NameOf<Service>]

type CheckInputs<Service extends GeneratedService> = [RefusedName<Service>] extends [never]
  ? unknown
  : { readonly method: { readonly 'the request of this method is not one object': RefusedName<Service> } }

/**
 * The contract of a service that protoc-gen-es has generated with `json_types=true`: the method `GetUser` is the operation
 * `getUser`, and its values are the ProtoJSON forms of its messages, with `Uint8Array` for bytes and `bigint` for 64-bit integers.
 *
 * Generated code has no comments, so they become no descriptions; `protoContracts()` has them.
 *
 * @throws ContractError `contract.name` for a service without a package, `contract.route` for an annotation that is no route
 * here, `contract.schema` for a field that no JavaScript object can have or a request that is not one object, `contract.setting`;
 * all problems at once.
 * @see Protocol Buffers, ProtoJSON format
 */
export function protoContract<
  const Service extends GeneratedService,
  const Options extends ProtoContractOptions<NameOf<Service>> = Record<never, never>,
>(
  service: Service & CheckInputs<Service>,
  options?: Options & CheckNames<Service, Options>,
): ProtoContract<Service, Options> {
  return buildContract(service as unknown as DescService, options ?? {}) as ProtoContract<Service, Options>
}
