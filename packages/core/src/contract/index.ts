export { type Contract, type ContractInfo, contract, contractInfo, isContract } from './contract.ts'
export { type EventSpec, type EventType, event, type Payload, type PayloadToSend } from './event.ts'
export type {
  AccessRule,
  DeclaredError,
  HttpBinding,
  HttpOperation,
  Idempotency,
  CheckRule,
  Input,
  InputItem,
  InputToSend,
  IsStreaming,
  Operation,
  OperationKind,
  OperationSpec,
  Output,
  OutputReceived,
  Principal,
  QueueBinding,
  RoleRule,
  ScopeRule,
} from './operation.ts'
export type { HttpMethod, HttpRoute, RouteParameter, RouteSegment, RouteText } from './route.ts'
export type { JsonSchema, Schema, StandardSchema, TypeboxSchema, ValueOf, WireOf } from './schema.ts'
export { isStream, type StreamOf, stream } from './stream.ts'
