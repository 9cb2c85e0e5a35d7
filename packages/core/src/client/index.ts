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
export { joinedPublisher } from './joined-publisher.ts'
export { markNotSent } from './not-sent.ts'
export { type PublishOptions, Publisher, type QueueOperation } from './publisher.ts'
export { type OutgoingMessage, outgoingCommand, outgoingEvent } from './publisher-message.ts'
export { PublishOrder } from './publisher-order.ts'
export { publishLimits } from './publisher-options.ts'
export type { CallOptions, ClientCall, ClientInterceptor } from './client-method.ts'
export { buildClient, type Client, clientOf, type LocalRemoteOptions, type RemoteOptions, remote } from './remote.ts'
