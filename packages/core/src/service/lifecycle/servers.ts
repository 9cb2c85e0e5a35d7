import { LifecycleError } from '../../error/setup-error.ts'
import type { Address, TransportServer } from '../../transport/transport.ts'

/** Settles when all have: a server that is about to listen could not be closed for good. */
export async function listenAll(servers: readonly Pick<TransportServer, 'listen'>[]): Promise<readonly Address[]> {
  const results = await Promise.allSettled(servers.map(async (server) => server.listen()))
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
  const problems = failures.flatMap((failure) => (failure instanceof LifecycleError ? failure.problems : []))
  if (problems.length > 1) throw new LifecycleError(problems, failures[0])
  if (failures.length > 0) throw failures[0]
  return results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
}

/**
 * Does something to all servers side by side; one that fails keeps none of the others from it.
 *
 * @throws AggregateError of all that failed.
 */
export async function withAll(
  servers: readonly TransportServer[],
  failed: string,
  act: (server: TransportServer) => unknown,
): Promise<void> {
  const results = await Promise.allSettled(servers.map(async (server) => act(server)))
  const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
  throwErrors(
    reasons.map((reason) => (reason instanceof Error ? reason : new Error(String(reason)))),
    failed,
  )
}

/**
 * What those servers tell of themselves that have something to tell, by the names in their order, as it is written in JSON. One that
 * fails, or whose words cannot be written, keeps none of the others from it.
 */
export function infosOf(
  servers: readonly TransportServer[],
  names: readonly string[],
): Readonly<Record<string, object>> {
  return Object.fromEntries(
    servers.flatMap((server, index) => {
      const info = infoOf(server)
      return info === undefined ? [] : [[names[index] ?? '', info] as const]
    }),
  )
}

function infoOf(server: TransportServer): object | undefined {
  try {
    const info = server.info?.()
    return info && (JSON.parse(JSON.stringify(info)) as object)
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) }
  }
}

/** @throws AggregateError unless there is none. */
export function throwErrors(errors: readonly Error[], message: string): void {
  if (errors.length > 0) throw new AggregateError(errors, message)
}
