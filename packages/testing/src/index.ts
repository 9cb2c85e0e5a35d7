export type { CapturedLevel, LogLine } from './captured-log.ts'
export { type FakeClock, type FakeClockOptions, fakeClock } from './clock/fake-clock.ts'
export { type EventuallyOptions, eventually } from './eventually.ts'
export { fakeRemote, type RemoteMethod, type RemoteMethods } from './fake-remote.ts'
export type { Delivery, DeliveryFailure, DeliverySuccess, MessageOptions } from './memory-delivery.ts'
export {
  type MemoryCallOptions,
  type MemoryTransport,
  memoryTransport,
  type OutcomeOf,
  type SuccessOf,
} from './memory-transport.ts'
export { override, type StandIn } from './override.ts'
export type { MessageType, PublishedMessage, PublishedOf } from './published-messages.ts'
export { type RecordingPublisher, recordingPublisher } from './recording-publisher.ts'
export { type TestServiceOptions, testService } from './test-service.ts'
export type { CallResult, TestedService } from './tested-service.ts'
