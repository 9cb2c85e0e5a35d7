export {
  type GrpcClientOptions,
  type GrpcKeepAliveOptions,
  grpcClientDefaults,
} from './client/grpc-client-options.ts'
export type { GrpcClientTlsOptions } from './client/grpc-client-tls.ts'
export { grpcClient } from './client/grpc-client.ts'
export { type GrpcOptions, grpcDefaults } from './grpc-options.ts'
export { protoOf, type ProtoOfOptions } from './lock/proto-of.ts'
export { updateProto } from './lock/update-proto.ts'
export { grpcStatus } from './wire/grpc-status.ts'
export { grpcTransport } from './grpc-transport.ts'
