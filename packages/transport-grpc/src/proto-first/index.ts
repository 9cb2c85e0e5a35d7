export { type ProtoContractsOptions, protoContracts } from './descriptor-set.ts'
export {
  type GeneratedService,
  type ProtoContract,
  type ProtoContractOptions,
  protoContract,
} from './proto-contract.ts'
export { type ProtoEventOptions, protoEvent } from './proto-event.ts'
export type { ProtoOperationOptions } from './proto-operation.ts'
export type { ProtoInput, ProtoOutput, ProtoSchema } from './proto-value.ts'
