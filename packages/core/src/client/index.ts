export type { ClientChannel, ClientTarget, ClientTransport, OutgoingCall } from './client-transport.ts'
export { type PublishOptions, Publisher, type QueueOperation } from './publisher.ts'
