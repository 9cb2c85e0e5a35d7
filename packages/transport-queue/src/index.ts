export { asyncapi } from './asyncapi/asyncapi.ts'
export type { AsyncApiOptions, AsyncApiServer } from './asyncapi/asyncapi-options.ts'
export type {
  AsyncApiChannel,
  AsyncApiDocument,
  AsyncApiInfo,
  AsyncApiMessage,
  AsyncApiOperation,
  AsyncApiSecurityScheme,
  AsyncApiTag,
} from './asyncapi/document.ts'
export type { AsyncApiPart, DescribedService } from './asyncapi/exchange.ts'
export type { Disposition, ExhaustedAction, MessageOrder, RetryOptions } from '@tenon/core/transport'
export type { ConsumerReport, MessageStage, OldestMessage } from './consume/watch/consumer-report.ts'
export type { StalledPartition } from './consume/watch/stall.ts'
export { dispositions } from './consume/plan/disposition.ts'
export type { RunResult } from './dead-letter/audit/audit-record.ts'
export {
  type AuditedRedrive,
  type AuditListOptions,
  listAudits,
  type RedriveAudit,
} from './dead-letter/audit/list-audits.ts'
export { countDeadLetters, type CountOptions, type DeadLetterCount } from './dead-letter/count-dead-letters.ts'
export { deadLetterTopic, type DeadLetter, type DeadLetterSource } from './dead-letter/dead-letter.ts'
export {
  compareLetter,
  type HeaderDifference,
  type LetterDifference,
  type OtherMessage,
  type ShownDifference,
} from './dead-letter/inspect/compare-letter.ts'
export { compareWithSource, type SourceOptions } from './dead-letter/inspect/compare-with-source.ts'
export type { FindOptions } from './dead-letter/inspect/find-letter.ts'
export {
  inspectDeadLetter,
  type InspectedLetter,
  type InspectOptions,
  type ShownHeader,
} from './dead-letter/inspect/inspect-dead-letter.ts'
export type { JsonDifference } from './dead-letter/inspect/json-difference.ts'
export type { ShownBytes } from './dead-letter/inspect/shown-bytes.ts'
export {
  type DeadLetterList,
  listDeadLetters,
  type ListOptions,
  type PartitionOffsets,
} from './dead-letter/list-dead-letters.ts'
export type { LetterFilter } from './dead-letter/letter-filter.ts'
export type { LetterOwner } from './dead-letter/letter-position.ts'
export type { LetterPatch } from './dead-letter/redrive/letter-patch.ts'
export {
  redriveDeadLetters,
  type RedriveResult,
  type RedrivenLetter,
} from './dead-letter/redrive/redrive-dead-letters.ts'
export { redriveDefaults, type RedriveLettersOptions } from './dead-letter/redrive/redrive-options.ts'
export type { LetterOutcome } from './dead-letter/redrive/redrive-run.ts'
export type { RedriveHindrance } from './dead-letter/redrive/redriven-record.ts'
export { redriveDeadLetter, type RedriveOptions } from './dead-letter/redrive-dead-letter.ts'
export { type QueueDriverOptions, queueDriver } from './driver/choose-driver.ts'
export type { KafkaOptions } from './driver/kafka/kafka-options.ts'
export type { KafkaSaslOptions, KafkaTlsOptions, KafkaToken } from './driver/kafka/kafka-security.ts'
export { kafkajsDriver } from './driver/kafkajs/kafkajs-driver.ts'
export { type KafkajsOptions, kafkajsDefaults } from './driver/kafkajs/kafkajs-options.ts'
export { type MemoryDriverOptions, memoryDriver } from './driver/memory/memory-driver.ts'
export {
  type EvictOptions,
  type MemoryBroker,
  type MemoryBrokerOptions,
  memoryBroker,
} from './driver/memory/memory-broker.ts'
export { type MemoryFaults, memoryFaultDefaults } from './driver/memory/memory-faults.ts'
export { platformaticDriver } from './driver/platformatic/platformatic-driver.ts'
export { type PlatformaticOptions, platformaticDefaults } from './driver/platformatic-wire/platformatic-options.ts'
export { sqliteDriver } from './driver/sqlite/sqlite-driver.ts'
export { type SqliteDriverOptions, sqliteDefaults } from './driver/sqlite/sqlite-options.ts'
export type {
  AssignedPartition,
  Membership,
  MemberState,
  PartitionProgress,
  ProduceBound,
  QueueClient,
  QueueDriver,
  QueueMember,
  ReadBound,
  ReceivedRecord,
  RecordHeader,
  RecordPlace,
  RecordRange,
  RecordToSend,
  TopicRetention,
  TopicToEnsure,
} from './queue-driver.ts'
export { type QueueOptions, queueDefaults } from './queue-options.ts'
export { type QueueTransport, queueTransport } from './queue-transport.ts'
export type { QueueClock } from './wait.ts'
export type { TopicSelector } from './topic-selection.ts'
