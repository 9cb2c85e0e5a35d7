import { type BackingServer, backingServers, type ServerName } from './backing-server.ts'
import type { ComposedService } from './composed-service.ts'

/** What was asked for, whatever the services say. */
export interface ServerChoice {
  readonly with: readonly ServerName[]
  readonly without: readonly ServerName[]
}

/** The servers of the compose file: those that a service needs and nobody left out, and those that were asked for. */
export function chosenServers(services: readonly ComposedService[], choice: ServerChoice): readonly BackingServer[] {
  return backingServers.filter(
    (server) =>
      choice.with.includes(server.name) ||
      (!choice.without.includes(server.name) && services.some((service) => needs(service, server))),
  )
}

/** Whether a service waits for the server: it has a setting that the compose file points there, or it says so otherwise. */
export function needs(service: ComposedService, server: BackingServer): boolean {
  const { description } = service
  return (
    variablesFor(service, server).length > 0 ||
    connections(description).some((place) => place.startsWith(`${server.name}:`)) ||
    server.isNeededBy?.(description) === true
  )
}

/** The variables that say where the server is, but for those that the file of settings has. */
export function variablesFor({ description, ownSettings }: ComposedService, server: BackingServer): readonly string[] {
  return description.settings
    .map(({ variable }) => variable)
    .filter((variable) => server.variable.test(variable) && !(variable in ownSettings))
}

/** The servers it connects to, as `host:port`. */
export function connections({
  transports,
  providers,
  configSources = [],
}: ComposedService['description']): readonly string[] {
  return [...transports, ...providers, ...configSources].flatMap(({ connectsTo = [] }) => connectsTo)
}
