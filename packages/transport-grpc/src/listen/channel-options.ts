import type { ServerOptions } from '@grpc/grpc-js'
import type { GrpcSettings } from '../grpc-options.ts'

/** What of the settings grpc-js sees to itself. */
export function toChannelOptions(settings: GrpcSettings): ServerOptions {
  return {
    'grpc.max_receive_message_length': settings.maxRequestBytes,
    // Answers that are too large are refused where they are made.
    'grpc.max_send_message_length': -1,
    'grpc.keepalive_time_ms': settings.keepaliveIntervalMs,
    'grpc.keepalive_timeout_ms': settings.keepaliveTimeoutMs,
    // Nothing reads channelz, and its counters are kept up in every call.
    'grpc.enable_channelz': 0,
  }
}
