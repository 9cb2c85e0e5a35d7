import { defineService } from '@tenon/core'
import { grpcTransport } from '@tenon/transport-grpc'
import { peerHandler } from './fixture/peer-handler.ts'

/** A service for peers that are not ours, on a free port. */
export async function startPeerService({ deregisterDelayMs = 0 } = {}) {
  const service = defineService({
    name: 'peer',
    version: '1.0.0',
    handlers: [peerHandler],
    transports: () => [grpcTransport({ port: 0 })],
    admin: false,
    deregisterDelayMs,
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const port = started.addresses[0]?.port ?? 0
  return {
    port,
    address: `127.0.0.1:${port}`,
    stop: () => started.stop(),
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  }
}
