import { compareServers, type Program, type Workload } from '../compare.ts'
import type { Figure } from '../figure.ts'
import { type GrpcCall, largeCall, smallCall, streamCall } from '../load/grpc-call.ts'
import { grpcLanes } from '../load/grpc-load.ts'

export const tenonGrpc: Program = { name: 'Tenon', path: 'dist/server/tenon-grpc' }
export const protoLoaderGrpc: Program = { name: 'grpc-js + proto-loader', path: 'dist/server/proto-loader-grpc' }
export const directGrpc: Program = { name: 'grpc-js + direct codec', path: 'dist/server/direct-grpc' }

export const smallLoad = toWorkload(smallCall, 8_000)
export const largeLoad = toWorkload(largeCall, 2_000)
export const streamLoad = toWorkload(streamCall, 100)

/** What Tenon's CPU per unary call, with validation, is to stay at or below, as a multiple of what validates nothing. */
export const grpcTargets = { protoLoader: 1, direct: 1.1 } as const

/** Tenon's gRPC transport against grpc-js alone: with proto-loader, and with a codec written by hand. */
export async function measureGrpc(roundCount: number): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const workload of [smallLoad, largeLoad]) {
    const others = [
      { ...protoLoaderGrpc, target: grpcTargets.protoLoader },
      { ...directGrpc, target: grpcTargets.direct },
    ]
    figures.push(...(await compareServers({ ours: tenonGrpc, others, roundCount, workload })))
  }
  const others = [protoLoaderGrpc, directGrpc]
  return [...figures, ...(await compareServers({ ours: tenonGrpc, others, roundCount, workload: streamLoad }))]
}

/** @param count Calls to each server in a round: enough for a second or so. */
function toWorkload(call: GrpcCall, count: number): Workload {
  return { name: call.name, count, open: grpcLanes(call) }
}
