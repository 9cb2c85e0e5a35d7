export { type BytesOptions, type BytesRange, bytes, bytesRangeOf } from '../schema/native/bytes.ts'
export {
  type AnyContract,
  type Contract,
  type ContractInfo,
  type ContractOptions,
  contract,
  contractInfo,
  isContract,
} from './contract.ts'
export type { Deprecation, DeprecationSpec } from './deprecation.ts'
export type { DeliveryOptions, Disposition, ExhaustedAction, MessageOrder, RetryOptions } from './delivery.ts'
export { type EventSpec, type EventType, event, type Payload, type PayloadToSend } from './event.ts'
export { type OlderEvent, olderEvents, type Upcast, type UpcastStep, upcast } from './event-upcast.ts'
export { type FormPartHead, type FormPartItem, type FormPartSchema, formPart, isFormPart } from './form-part.ts'
export type { OperationExample } from './example.ts'
export type { HttpBinding, HttpBoundRoute, HttpOperation, NamedField } from './http-binding.ts'
export { type Int64Options, type Int64Range, int64, int64RangeOf, isUint64, uint64 } from '../schema/native/int64.ts'
export type {
  AccessRule,
  DeclaredError,
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
export { type RawInput, type RawOutputStream, rawInputOf, rawOutputOf, rawOutputStreamOf } from './raw-body.ts'
export type { HttpMethod, HttpRoute, RouteParameter, RouteSegment, RouteText } from './route.ts'
export type {
  FilledSchema,
  JsonSchema,
  Schema,
  StandardSchema,
  TypeboxSchema,
  ValueOf,
  WireOf,
} from '../schema/schema.ts'
export { isSecret, secret } from '../schema/secret.ts'
export { isStream, type StreamOf, stream } from './stream.ts'
export { isTimestamp, type TimestampOptions, timestamp } from '../schema/native/timestamp.ts'
export { type SseBinding, type StreamBinding, streamDefaults, type UploadBinding } from './stream-binding.ts'
