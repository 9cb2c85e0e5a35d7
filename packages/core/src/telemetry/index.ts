export type { Logger } from './log.ts'
export { outgoingMetadata } from '../call/propagation.ts'
export { boundedValues } from './bounded-values.ts'
export { counter, observe } from './instrument.ts'
export { metricTable } from './metric-table.ts'
export {
  batchAttributes,
  type CallConvention,
  type CallOutcome,
  grpcClientConvention,
  grpcServerConvention,
  httpAnsweredAttributes,
  httpClientConvention,
  httpRequestAttributes,
  httpSentAttributes,
  httpServerConvention,
  messageAttributes,
  peerAttributes,
  processConvention,
  queryConvention,
  type QueryFacts,
  queryTextAttributes,
  sendConvention,
  sentMessageAttributes,
} from './convention.ts'
export type { ObservedArrival } from './observed-arrival.ts'
export type { AttemptObserver, SizeObserver } from './observed-call.ts'
export { observeQuery, type ObservedQuery } from '../call/observed-query.ts'
export { observeSend, type ObservedSend } from '../call/observed-send.ts'
