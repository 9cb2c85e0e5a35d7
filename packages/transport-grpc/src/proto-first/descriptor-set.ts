import { createFileRegistry, type DescService, type FileRegistry, fromBinary } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import type { AnyContract } from '@tenon/core/contract'
import { ContractError } from '@tenon/core/transport'
import { buildContract } from './build-contract.ts'
import type { ProtoContractOptions } from './proto-contract.ts'

export interface ProtoContractsOptions extends Pick<ProtoContractOptions, 'int64' | 'http'> {
  /** Full names of the services to make contracts of. @defaultValue all of the set */
  readonly only?: readonly string[]
  /** Settings of operations, by the full name of their service. */
  readonly services?: Readonly<Record<string, Pick<ProtoContractOptions, 'http' | 'operations'>>>
}

/**
 * The contracts of a descriptor set's services by their full names, without types: for gateways, tools, and services whose
 * files are known at run time only. A set is what `buf build -o x.binpb` writes, or `protoc --descriptor_set_out=x
 * --include_imports --include_source_info`; its comments become summaries and descriptions.
 *
 * @throws ContractError `contract.proto` for bytes that are no such set, or one without its imports, and as `protoContract()`.
 */
export function protoContracts(
  descriptorSet: Uint8Array,
  options: ProtoContractsOptions = {},
): ReadonlyMap<string, AnyContract> {
  const { only, services = {}, ...shared } = options
  const registry = readRegistry(descriptorSet)
  const found = new Map(servicesOf(registry).map((service) => [service.typeName, service]))
  const chosen = only ?? [...found.keys()]
  for (const name of [...chosen, ...Object.keys(services)])
    if (!found.has(name)) throw unknownService(name, [...found.keys()])
  const contracts = chosen.flatMap((name) => {
    const service = found.get(name)
    return service ? [[name, buildContract(service, { ...shared, ...services[name], types: registry })] as const] : []
  })
  return new Map(contracts)
}

function servicesOf(registry: FileRegistry): readonly DescService[] {
  return [...registry.files].flatMap(({ services }) => services)
}

function readRegistry(descriptorSet: Uint8Array): FileRegistry {
  try {
    return createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `protoContracts(): expected a FileDescriptorSet with all its imports, as buf build -o writes it: ${reason}`
    throw new ContractError([{ code: 'contract.proto', message }])
  }
}

function unknownService(name: string, known: readonly string[]): ContractError {
  const message = `protoContracts(): ${name} is no service of the set; expected one of ${known.join(', ')}`
  return new ContractError([{ code: 'contract.setting', message }])
}
