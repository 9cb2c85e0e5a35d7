export { chooseRange, contentRange, rangeNotSatisfiable } from '../call/stream/byte-range.ts'
export type { Call, Metadata, Principal } from '../call/call.ts'
export { type CompiledSchema, compileSchema, type SchemaResult } from '../schema/compiled-schema.ts'
export { compileJsonReader, compileJsonWriter, type JsonWriter } from '../schema/native/json-conversion.ts'
export { SchemaBook } from '../schema/book/schema-book.ts'
export { type Alternatives, SchemaDocument } from '../schema/schema-view.ts'
export { type TextReader, compileTextReader } from '../schema/text-reader.ts'
export type { BatchSettings } from '../contract/batch.ts'
export {
  type DeliveryOptions,
  deliveryRanges,
  type Disposition,
  type ExhaustedAction,
  type MessageOrder,
  retryChoices,
  type RetryOptions,
} from '../contract/delivery.ts'
export type { ConsumerStart } from '../contract/start-position.ts'
export { type ErrorCode, errorCodes } from '../error/error-code.ts'
export {
  type ErrorDetails,
  invalidArgument,
  isErrorCode,
  ServiceError,
  toServiceError,
  type Violation,
} from '../error/service-error.ts'
export { isShutdown, markShutdown } from '../error/shutdown.ts'
export { isUnreadable, markUnreadable } from '../error/unreadable.ts'
export {
  ConfigError,
  ContractError,
  LifecycleError,
  SetupError,
  type SetupProblem,
  WiringError,
} from '../error/setup-error.ts'
export { type ProvidedPart, type Provider, provide, type Token, token } from '../handler/provider.ts'
export { type CountedLine, countedLine } from '../telemetry/counted-line.ts'
export type { Logger } from '../telemetry/log.ts'
export { drainingError } from '../call/gate.ts'
export { nextTurn } from '../call/stream/loop-turn.ts'
export type { BatchMessage } from '../call/batch/batch-item.ts'
export type { Arrival, ArrivalHead, Failure, Outcome, Success } from '../call/arrival.ts'
export type { Admission, BatchArrival, BatchEndpoint, EventEndpoint, OperationEndpoint } from './endpoint.ts'
export {
  type ConnectionSweeper,
  connectionSweeper,
  lastRepliesMs,
} from './connection/connection-sweeper.ts'
export { type IdleTime, toIdleTime } from './connection/idle-time.ts'
export { untilRead } from './connection/until-read.ts'
export { withdrawSession } from './connection/withdraw-session.ts'
export { givenOnly, isRecord, toFound } from '../error/given-value.ts'
export { checkNames, type OptionCheck, optionCheck, type OptionRange } from '../error/option-check.ts'
export type {
  CommandContent,
  EventContent,
  MessageContent,
  PayloadCodec,
  PayloadDescription,
  PayloadFormat,
} from './payload-format.ts'
export type { ProbeName, ProbeReply, ProbeRequest } from './probe.ts'
export { secureServer, type SecureServer } from './tls/secure-server.ts'
export { checkTls, tlsDefaults, type TlsOptions, type TlsSettings, toTlsSettings } from './tls/tls-options.ts'
export {
  type Address,
  ServiceInfo,
  type ServiceIdentity,
  type Transport,
  type TransportHealth,
  type TransportHost,
  type DrainTime,
  type Pressure,
  type TransportServer,
} from './transport.ts'
export { unlessAborted } from './unless-aborted.ts'
