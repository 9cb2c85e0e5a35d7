export { grpcClient } from './client/grpc-client.ts'
export { type GrpcOptions, grpcDefaults } from './grpc-options.ts'
export { grpcStatus } from './wire/grpc-status.ts'
export { grpcTransport } from './grpc-transport.ts'
