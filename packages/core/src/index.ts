import './handler/handler-metadata.ts'

export type { Authenticator, Policy } from './call/rule/access.ts'
export { type ByteRange, type Representation, selectRange } from './call/stream/byte-range.ts'
export type { BatchItem } from './call/batch/batch-item.ts'
export type { Call, Metadata, Principal } from './call/call.ts'
export { criticalities, type Criticality } from './call/overload/criticality.ts'
export { type RefusalReason, type ServerRefusal, serverRefusalChannelName } from './call/overload/refusal.ts'
export { overloadDefaults, type OverloadOptions, type OverloadSettings } from './call/overload/overload-options.ts'
export { currentCall } from './call/context.ts'
export { detach } from './call/detach.ts'
export type { Interceptor } from './call/rule/interceptor.ts'
export type { Balancer } from './client/balancer/balancer.ts'
export { consistentHash, type ConsistentHashOptions } from './client/balancer/consistent-hash.ts'
export { leastRequests } from './client/balancer/least-requests.ts'
export { peakEwma } from './client/balancer/peak-ewma.ts'
export { random } from './client/balancer/random.ts'
export { roundRobin } from './client/balancer/round-robin.ts'
export { weighted } from './client/balancer/weighted.ts'
export { targetDefaults, type TargetPolicy } from './client/policy/target-policy.ts'
export { ejectionDefaults, type EjectionOptions } from './client/target/ejection-options.ts'
export { type InstanceDecision, instanceDecisionChannelName } from './client/target/instance-decision.ts'
export type { SubsetOptions } from './client/target/subset.ts'
export { ServiceDirectory } from './client/place/service-directory.ts'
export { type PublishOptions, Publisher, type QueueOperation } from './client/publisher/publisher.ts'
export type { CallOptions, ClientCall, ClientInterceptor } from './client/client-method.ts'
export { type ConnectionState, connectionsOf } from './client/connections.ts'
export type { ChannelState } from './client/client-transport.ts'
export { type ClientDecision, clientDecisionChannelName, type Decision } from './client/policy/client-journal.ts'
export type { CachePolicy } from './client/policy/answer/answer-cache.ts'
export type { BreakerPolicy } from './client/policy/breaker/breaker-policy.ts'
export type { BulkheadPolicy } from './client/policy/bulkhead.ts'
export type { HedgePolicy } from './client/policy/repeat/hedge.ts'
export type { OperationPolicy, OwnPolicy, RemotePolicy } from './client/policy/remote-policy.ts'
export { type BudgetPolicy, budgetDefaults } from './client/policy/repeat/retry-budget.ts'
export { type RetryPolicy, retryDefaults } from './client/policy/repeat/retry.ts'
export { localTransport } from './transport/local-transport.ts'
export { type Client, clientOf, type LocalRemoteOptions, type RemoteOptions, remote } from './client/remote.ts'
export { type BytesOptions, bytes } from './schema/native/bytes.ts'
export { type Contract, contract } from './contract/contract.ts'
export { batchDefaults, type BatchOptions, type BatchSettings } from './contract/batch.ts'
export type { DeliveryOptions, Disposition, ExhaustedAction, MessageOrder, RetryOptions } from './contract/delivery.ts'
export type { StartPosition } from './contract/start-position.ts'
export { type EventSpec, type EventType, event, type Payload, type PayloadToSend } from './contract/event.ts'
export { type Upcast, upcast } from './contract/event-upcast.ts'
export { type Int64Options, int64 } from './schema/native/int64.ts'
export type {
  AccessRule,
  DeclaredError,
  Input,
  InputItem,
  InputToSend,
  Operation,
  OperationSpec,
  Output,
  OutputReceived,
} from './contract/operation.ts'
export type { Schema } from './schema/schema.ts'
export { type FormPartHead, type FormPartItem, formPart } from './contract/form-part.ts'
export { type StreamOf, stream } from './contract/stream.ts'
export { type ErrorCode, errorCodes } from './error/error-code.ts'
export { type FaultOptions, fault } from './handler/fault.ts'
export { type FormPart, readParts } from './handler/form-reader.ts'
export { type ErrorDetails, ServiceError, type ServiceErrorOptions, type Violation } from './error/service-error.ts'
export {
  ConfigError,
  ContractError,
  LifecycleError,
  SetupError,
  type SetupProblem,
  WiringError,
} from './error/setup-error.ts'
export { type SetupErrorCode, setupErrorCodes } from './error/setup-error-code.ts'
export { Consumes } from './handler/consumes.ts'
export type { BatchConsumesOptions, ConsumesOptions } from './handler/consuming-options.ts'
export { type DefineHandlerOptions, defineConsumer, defineHandler, defineSchedule } from './handler/define-handler.ts'
export type { Handler, HandlerClass } from './handler/handler-class.ts'
export type { HandlerDefinition } from './handler/handler-definition.ts'
export { type Hook, type HookContext, type HookOptions, hook } from './handler/hook.ts'
export { Handles, type HandlesOptions } from './handler/handles.ts'
export { Implements } from './handler/implements.ts'
export { cron, type CronOptions } from './handler/schedule/cron.ts'
export { every, type Interval, type IntervalUnit } from './handler/schedule/every.ts'
export { Runs } from './handler/schedule/runs.ts'
export {
  type Overlap,
  scheduleDefaults,
  type ScheduledRun,
  type ScheduleOptions,
  type ScheduleSettings,
  type Timing,
} from './handler/schedule/timing.ts'
export { inject } from './handler/inject.ts'
export type { ServingOptions } from './handler/serving-options.ts'
export { Intercepts } from './handler/intercepts.ts'
export { type CheckContext, type CheckSpec, check, type HealthCheck, type OpenCheck } from './handler/check.ts'
export {
  type CheckEffect,
  healthCheckDefaults,
  type HealthCheckOptions,
  type HealthCheckSettings,
} from './handler/check-settings.ts'
export {
  type CreateContext,
  type NamedToken,
  type Provider,
  type ProviderCheck,
  type ProviderSpec,
  provide,
  type Token,
  token,
} from './handler/provider.ts'
export {
  type RestartPolicy,
  type Task,
  type TaskContext,
  taskDefaults,
  type TaskOptions,
  type TaskSettings,
  task,
} from './handler/task.ts'
export { adminDefaults, type AdminOptions } from './service/probe/admin-options.ts'
export type { AdminRequest, AdminRoute } from './service/probe/admin-route.ts'
export {
  eventLoopDelay,
  type EventLoopDelayOptions,
  eventLoopUtilization,
  heapUse,
  processCheckDefaults,
  type RatioOptions,
} from './service/health/process-checks.ts'
export type { InstanceOptions } from './service/instance-options.ts'
export type { AttachedPart } from './service/attached-part.ts'
export type { CheckOptions, ServiceCheck } from './service/check-service.ts'
export {
  type ConfigReader,
  type ConfigSpec,
  type Environment,
  flag,
  integer,
  list,
  optional,
  type IntegerRange,
  port,
  type SettingsOf,
  text,
} from './service/config/config.ts'
export type { ChosenSource, ConfigSources } from './service/live/config-sources.ts'
export type { LiveSetting, Settings, Watch, WatchedSettings } from './service/live/live-setting.ts'
export type { LogOptions } from './service/default-log.ts'
export type { LogLevel } from './service/log/log-levels.ts'
export { defineService, type RunOptions, type Service, type StartedService } from './service/define-service.ts'
export type { Ended, ServiceState } from './service/running-service.ts'
export { type ServiceOptions, serviceDefaults } from './service/service-options.ts'
export { type Secret, secret } from './service/config/secret.ts'
export type {
  AccessDescription,
  CheckDescription,
  CommandDescription,
  ConfigSourceDescription,
  ConsumerDescription,
  HandlerDescription,
  HookDescription,
  HttpDescription,
  InterceptorDescription,
  LimitDescription,
  OperationDescription,
  ProviderDescription,
  RegistryDescription,
  RemoteDescription,
  ScheduleDescription,
  SecurityDescription,
  ServiceDescription,
  SettingDescription,
  TaskDescription,
  TransportDescription,
} from './service/service-description.ts'
export type { GivenSettings, StartOptions } from './service/start-options.ts'
export type { RunningTelemetry, Telemetry, TelemetrySite } from './service/telemetry/telemetry.ts'
export type { HookLists, HookPoint } from './service/lifecycle/bound-hooks.ts'
export {
  type PhaseReport,
  type PhaseStage,
  type PhaseState,
  type StartPhaseName,
  type StopPhaseName,
  decisiveStopPhases,
  startPhases,
  stopPhases,
} from './service/lifecycle/phase.ts'
export { type PhaseEvent, phaseChannelName } from './service/lifecycle/phase-journal.ts'
export type { Logger } from './telemetry/log.ts'
export { type Address, ServiceInfo, type ServiceIdentity } from './transport/transport.ts'
