import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt'
import type { ContractInfo, Operation } from '@tenon/core/contract'
import { ContractError } from '@tenon/core/transport'
import { compileCodec, type MessageCodec } from '../codec/message-codec.ts'
import { loadLock, lockService } from '../lock/lock-service.ts'
import type { Numbering } from '../lock/warn-of-locks.ts'
import type { MethodShape, ServiceShape } from '../proto/message-shape.ts'
import { isMethodBinding, type MethodBinding } from './method-binding.ts'

/** One operation as a protobuf method. */
export interface ProtoMethod {
  readonly operation: Operation
  /** `GetUser` */
  readonly name: string
  readonly request: MessageCodec
  readonly response: MessageCodec
}

/** A contract as a protobuf service, whether its types came from schemas or from `.proto` files. */
export interface ProtoService extends Numbering {
  readonly methods: readonly ProtoMethod[]
  /** The full names that it declares, each with who declares it: the same name by another owner is a conflict. */
  readonly owners: ReadonlyMap<string, string>
  /** Its file and all that this imports, imported ones first. Loaded when first asked for, because most servers never are. */
  readonly loadFiles: () => Promise<readonly FileDescriptorProto[]>
}

const built = new WeakMap<ContractInfo, ProtoService>()

/**
 * The protobuf form of a contract's operations, those with `grpc: false` left out. Made once for a contract.
 *
 * @throws ContractError `contract.schema`, `contract.name` naming operation and place, `contract.proto` when the file that a contract
 * names as its lock is missing, cannot be read, or does not allow what the contract has become; all problems at once.
 */
export function toProtoService(contract: ContractInfo): ProtoService {
  const known = built.get(contract)
  if (known) return known
  const service = fromBindings(contract) ?? fromSchemas(contract)
  built.set(contract, service)
  return service
}

function fromSchemas(contract: ContractInfo): ProtoService {
  const lock = loadLock(contract)
  const { shape, changes } = lockService(contract, lock)
  return {
    fullName: shape.fullName,
    numberedBy: lock ? 'lock' : 'declaration',
    lockChanges: changes,
    methods: shape.methods.map(toMethod),
    owners: ownersOf(shape),
    loadFiles: async () => {
      const { toFiles } = await import('../proto/file-descriptor.ts')
      return toFiles(shape)
    },
  }
}

function toMethod({ operation, name, request, response }: MethodShape): ProtoMethod {
  return { operation, name, request: compileCodec(request), response: compileCodec(response) }
}

function ownersOf({ fullName, methods }: ServiceShape): ReadonlyMap<string, string> {
  const messages = methods.flatMap(({ operation, request, response }) =>
    [request, response].map((message) => [message.fullName, `operation ${operation.id}`] as const),
  )
  return new Map([[fullName, fullName], ...messages])
}

interface Bound {
  readonly operation: Operation
  readonly binding: MethodBinding
}

/** Undefined for a contract that was not made from `.proto` files. */
function fromBindings({ name: fullName, operations }: ContractInfo): ProtoService | undefined {
  const offered = operations.filter(({ grpc }) => grpc)
  const bound = offered.flatMap((operation): readonly Bound[] =>
    isMethodBinding(operation.proto) ? [{ operation, binding: operation.proto }] : [],
  )
  const [first] = bound
  if (first === undefined) return undefined
  const stray = offered.find(({ proto }) => !isMethodBinding(proto))
  if (stray) throw notBound(stray)
  return {
    fullName,
    numberedBy: 'descriptor',
    lockChanges: [],
    methods: bound.map(({ operation, binding }) => ({ operation, name: binding.name, ...binding.codecs() })),
    owners: first.binding.owners(),
    loadFiles: async () => first.binding.files(),
  }
}

function notBound({ id }: Operation): ContractError {
  const message = `operation ${id} has no protobuf method, unlike others of its contract; make the contract with protoContract(), or give it none`
  return new ContractError([{ code: 'contract.schema', message }])
}
