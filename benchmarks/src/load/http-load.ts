import { Connection } from './connection.ts'
import type { HttpRequest } from './http-request.ts'
import { laneCount, type OpenLanes } from './lane.ts'

/** A connection for each request that is on the way. */
export function httpLanes(request: HttpRequest): OpenLanes {
  return (port) => Promise.all(Array.from({ length: laneCount }, () => Connection.open(port, request)))
}
