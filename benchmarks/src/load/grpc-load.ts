import type { GrpcCall } from './grpc-call.ts'
import { GrpcConnection } from './grpc-connection.ts'
import { laneCount, type OpenLanes } from './lane.ts'

/** Several callers, each with several calls on the way: the usual picture behind a load balancer. A guess. */
const connectionCount = 4

/** Calls at the same time on a few connections. */
export function grpcLanes(call: GrpcCall): OpenLanes {
  return async (port) => {
    const opening = Array.from({ length: connectionCount }, () => GrpcConnection.open(port, call))
    const connections = await Promise.all(opening)
    return connections.flatMap((connection) => Array<GrpcConnection>(laneCount / connectionCount).fill(connection))
  }
}
