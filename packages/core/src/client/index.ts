export { currentCall } from '../call/context.ts'
export { outgoingMetadata } from '../call/propagation.ts'
export type {
  CallAttempt,
  ChannelState,
  ConnectionUse,
  ClientChannel,
  ClientTarget,
  ClientTransport,
  OutgoingCall,
} from './client-transport.ts'
export { type ConnectionState, connectionsOf } from './connections.ts'
export { joinedPublisher } from './publisher/joined-publisher.ts'
export { markConfidential } from './place/confidential.ts'
export { markNotSent } from './not-sent.ts'
export { type PublishOptions, Publisher, type QueueOperation } from './publisher/publisher.ts'
export { type OutgoingMessage, outgoingCommand, outgoingEvent } from './publisher/publisher-message.ts'
export { PublishOrder } from './publisher/publisher-order.ts'
export { publishLimits } from './publisher/publisher-options.ts'
export type { CallOptions, ClientCall, ClientInterceptor } from './client-method.ts'
export { buildClient, type Client, clientOf, type LocalRemoteOptions, type RemoteOptions, remote } from './remote.ts'
