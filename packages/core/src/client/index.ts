export { outgoingMetadata } from '../call/propagation.ts'
export type { ClientChannel, ClientTarget, ClientTransport, OutgoingCall } from './client-transport.ts'
export { type PublishOptions, Publisher, type QueueOperation } from './publisher.ts'
export { buildClient, type CallOptions, type Client, clientOf, type RemoteOptions, remote } from './remote.ts'
