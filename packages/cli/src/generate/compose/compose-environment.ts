import { processEndMs } from '../pod-facts.ts'
import type { BackingServer } from './backing-server.ts'
import { variablesFor } from './chosen-servers.ts'
import type { ComposedService } from './composed-service.ts'
import { peerSettings } from './peer.ts'

/** A variable that the compose file sets, and why. */
export interface ComposedVariable {
  readonly value: string
  readonly note?: string | undefined
}

/** How long a service is given to stop: whole seconds, as compose files have them. */
export function graceSeconds({ limits }: ComposedService['description']): number {
  return Math.ceil((limits.shutdownTimeoutMs + processEndMs) / 1_000)
}

/** What the compose file sets for a service; what the file of its settings sets is left to that. */
export function composeEnvironment(
  service: ComposedService,
  services: readonly ComposedService[],
  servers: readonly BackingServer[],
): Readonly<Record<string, ComposedVariable>> {
  const all: readonly (readonly [string, ComposedVariable])[] = [
    ['TENON_HOST', { value: '0.0.0.0', note: 'what is published comes from outside the container' }],
    [
      'TENON_KILL_DELAY_MS',
      { value: String(graceSeconds(service.description) * 1_000), note: 'ms: stop_grace_period' },
    ],
    ...servers.flatMap((server) =>
      variablesFor(service, server).map(
        (variable) => [variable, { value: server.value, note: 'the server below' }] as const,
      ),
    ),
    ...peerSettings(service, services).map(({ variable, address, peer }) => {
      return [variable, { value: address, note: `where ${peer} listens` }] as const
    }),
  ]
  return Object.fromEntries(all.filter(([variable]) => !(variable in service.ownSettings)))
}

/** The variables as the process finds them, so that it can be described with them. */
export function describedEnvironment(
  service: ComposedService,
  services: readonly ComposedService[],
  servers: readonly BackingServer[],
): Readonly<Record<string, string>> {
  const composed = Object.entries(composeEnvironment(service, services, servers))
  return {
    ...Object.fromEntries(composed.map(([variable, { value }]) => [variable, withDefaults(value)])),
    ...service.ownSettings,
  }
}

/** As compose reads a value where nothing of its own environment is set. @see Compose specification, interpolation */
function withDefaults(value: string): string {
  return value.replace(/\$\{\w+:-([^}]*)\}/g, '$1')
}
