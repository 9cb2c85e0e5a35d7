import type { TransportHealth, TransportServer } from '../../transport/transport.ts'

/** What a transport says of its health. */
export interface TransportCondition extends TransportHealth {
  readonly name: string
}

/**
 * Whether work can come in. A transport that does not tell takes it from the start, and then the service does, whatever others say.
 * Where all tell, all must be ready: one that only sends is, and takes no work in the place of another.
 */
export function canTakeWork(servers: readonly TransportServer[]): boolean {
  return !doAllTell(servers) || servers.every((server) => healthOf(server)?.isReady !== false)
}

/** Whether a transport that is not ready makes the service so: all of them tell. */
export function doAllTell(servers: readonly TransportServer[]): boolean {
  return servers.every((server) => healthOf(server) !== undefined)
}

/** Of those transports that tell, by the names in their order. */
export function conditionsOf(
  servers: readonly TransportServer[],
  names: readonly string[] = [],
): readonly TransportCondition[] {
  return servers.flatMap((server, index) => {
    const health = healthOf(server)
    return health === undefined ? [] : [{ name: names[index] ?? '', ...health }]
  })
}

/** One that fails to tell is not known to take work; a new process would fail alike, so that it lives. */
function healthOf(server: TransportServer): TransportHealth | undefined {
  try {
    return server.health?.()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { isLive: true, isReady: false, reason: `cannot say how it is: ${reason}` }
  }
}
