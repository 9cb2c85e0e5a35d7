import { placesOf } from '../../place.ts'
import { isLoopback } from '../loopback.ts'
import type { BackingServer } from './backing-server.ts'
import { connections, variablesFor } from './chosen-servers.ts'
import { composeEnvironment } from './compose-environment.ts'
import { type ComposedService, settingsFileOf } from './composed-service.ts'
import { peersOf } from './peer.ts'
import { listenersOf } from './published-ports.ts'

/** What would not work in containers, as far as the descriptions show: each says what was found, and what to write where. */
export function composeWarnings(
  services: readonly ComposedService[],
  servers: readonly BackingServer[],
): readonly string[] {
  return services.flatMap((service) => {
    const found = [
      ...missingSettings(service, composeEnvironment(service, services, servers)),
      ...unreachable(service),
      ...wrongPlaces(service, services),
      ...unseen(service, servers),
    ]
    return found.map((text) => `${service.description.name}: ${text}`)
  })
}

function missingSettings(
  { description, ownSettings }: ComposedService,
  environment: ReturnType<typeof composeEnvironment>,
): readonly string[] {
  // A source of settings may have it.
  if (description.configSources !== undefined) return []
  return description.settings
    .filter(({ isRequired, variable }) => isRequired && !(variable in ownSettings) && !(variable in environment))
    .map(({ variable, expected }) => `it needs ${variable}, ${expected}: set it in ${settingsFileOf(description)}`)
}

function unreachable({ description }: ComposedService): readonly string[] {
  return listenersOf(description).flatMap(({ label, host, port }) => {
    if (port === 0) return [`the port for ${label} is any free one, so it cannot be published: give it a number`]
    if (!isLoopback(host)) return []
    return [
      `${label} listens on ${host}, which nobody reaches from outside the container: leave its host to TENON_HOST`,
    ]
  })
}

/** Inside a container the loopback is the container itself. */
function wrongPlaces(service: ComposedService, services: readonly ComposedService[]): readonly string[] {
  const { description } = service
  const file = settingsFileOf(description)
  const peers = peersOf(service, services)
  const calls = description.remotes.flatMap(({ contract, address }) => {
    const peer = peers.find(({ remote }) => remote.contract === contract)
    if (peer ? address === peer.address : !isOwn(address)) return []
    const where = peer ? `but ${peer.name} is at ${peer.address}` : 'which is the container itself'
    return [`${contract} is called at ${address}, ${where}: set the variable that says where it is in ${file}`]
  })
  const servers = connections(description)
    .filter(isOwn)
    .map((place) => `it connects to ${place}, which is the container itself: set the variable that says so in ${file}`)
  return [...calls, ...servers]
}

/** A provider need not say where it connects to, so this may be no mistake. */
function unseen(service: ComposedService, servers: readonly BackingServer[]): readonly string[] {
  const places = connections(service.description)
  return servers
    .filter(({ name }) => !places.some((place) => place.startsWith(`${name}:`)))
    .flatMap((server) => {
      const variables = variablesFor(service, server).join(', ')
      if (variables === '') return []
      return [
        `${variables} leads to ${server.name}, and nothing says that it connects there: let its provider say so (connectsTo), or leave ${server.name} out (--without ${server.name})`,
      ]
    })
}

function isOwn(address: string): boolean {
  return placesOf(address).some(({ host }) => isLoopback(host))
}
