import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { TerminusOptions } from '@godaddy/terminus'
import { type Hook, hook, type Service } from '@tenon/core'
import { type AdapterOptions, type AdapterSettings, resolveAdapter } from './adapter-options.ts'
import { AttachedProbes } from './attached-probes.ts'
import { attachedServer } from './attached-server.ts'
import { toHealthChecks } from './health-checks.ts'
import { SuccessBody } from './success-body.ts'

/**
 * Attaches a server that terminus looks after to a service, and gives the options for terminus:
 * `createTerminus(server, terminusOptions(service, server))`. The probes are answered as by the service itself, and the server takes
 * part in its drain, within its deadline: replies ask callers to leave, running requests finish, idle connections are closed. Terminus
 * hears no signal then: `service.run()` does, for all services and servers of the process.
 *
 * Call it once for each server, before the server listens and before the service starts, which waits until the server listens.
 *
 * @throws ConfigError `config.malformed`; LifecycleError `service.state` while the service runs.
 */
export function terminusOptions(
  service: Pick<Service, 'attach' | 'state'>,
  server: Server | TlsServer,
  options: AdapterOptions = {},
): TerminusOptions {
  const settings = resolveAdapter(options)
  const probes = new AttachedProbes()
  service.attach({
    transports: [attachedServer(server, { name: settings.name, probes })],
    ...hooksOf(settings),
  })
  const { headers, statusOk, statusError, statusOkResponse, statusErrorResponse } = settings
  const success = new SuccessBody(statusOkResponse)
  const { healthChecks, logger } = toHealthChecks(settings, {
    probes,
    success,
    isShuttingDown: () => service.state === 'draining' || service.state === 'stopped',
  })
  return {
    healthChecks,
    headers,
    statusOkResponse: success.whole,
    statusErrorResponse,
    ...(statusOk !== undefined && { statusOk }),
    ...(statusError !== undefined && { statusError }),
    ...(logger && { logger }),
    signal: unsentSignal,
    // It adds `stop()` to the server, which cuts what runs after this time.
    timeout: Number.POSITIVE_INFINITY,
  }
}

/** Terminus insists on a signal and ends the process at it; nobody sends this one. */
const unsentSignal = 'tenon:unsent'

function hooksOf({ name, beforeShutdown, onSignal, onShutdown }: AdapterSettings) {
  const toHooks = (given: Readonly<Record<string, (() => Promise<unknown>) | undefined>>): readonly Hook[] =>
    Object.entries(given).flatMap(([point, run]) => (run ? [hook(`${name} ${point}`, () => run())] : []))
  return { onDrain: toHooks({ beforeShutdown }), onStop: toHooks({ onSignal, onShutdown }) }
}
