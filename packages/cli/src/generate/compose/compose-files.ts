import { type GeneratedFile, markOf } from '../generated-file.ts'
import { type YamlFields, yamlText } from '../yaml-text.ts'
import type { BackingServer } from './backing-server.ts'
import { composeEnvironment } from './compose-environment.ts'
import { composedFields, portFields } from './composed-fields.ts'
import type { ComposedService } from './composed-service.ts'
import { type PublishedPorts, publishedPorts } from './published-ports.ts'
import { settingsFile } from './settings-file.ts'

/** The compose file of services and the servers they need, and a file for the settings of each service. */
export function composeFiles(
  services: readonly ComposedService[],
  servers: readonly BackingServer[],
): readonly GeneratedFile[] {
  const environments = new Map(
    services.map((service) => [service, composeEnvironment(service, services, servers)] as const),
  )
  const ports = publishedPorts(services, servers)
  const composed = services.map((service) => {
    const { name } = service.description
    const environment = environments.get(service) ?? {}
    return [name, composedFields(service, { environment, ports: ports.get(name) ?? [], servers })] as const
  })
  const fields = {
    name: namesOf(services).join('-'),
    services: { ...Object.fromEntries(composed), ...serverFields(servers, ports) },
    volumes: volumesOf(servers),
  }
  return [
    { path: 'compose.yaml', text: yamlText([fields], { head: headOf(services), notes: 'beside' }) },
    ...services.map((service) => settingsFile(service, environments.get(service) ?? {})),
  ]
}

/** By which an earlier run is known. */
export function composeMark(services: readonly ComposedService[]): string {
  return markOf('compose', namesOf(services).join(', '))
}

function namesOf(services: readonly ComposedService[]): readonly string[] {
  return services.map(({ description }) => description.name)
}

function headOf(services: readonly ComposedService[]): readonly string[] {
  return [
    composeMark(services),
    'For a laptop: docker compose up --build --wait. Numbers come from the code, as their comments say; those that do not are called guesses.',
  ]
}

function serverFields(servers: readonly BackingServer[], ports: PublishedPorts): YamlFields {
  return Object.fromEntries(
    servers.map((server) => {
      const published = ports.get(server.name) ?? []
      const { volume, fields, port } = server
      const volumes = volume && [`${volume.name}:${volume.folder}`]
      return [server.name, { ...fields(published[0]?.hostPort ?? port), volumes, ports: portFields(published) }]
    }),
  )
}

function volumesOf(servers: readonly BackingServer[]): YamlFields | undefined {
  const names = servers.flatMap(({ volume }) => (volume ? [volume.name] : []))
  return names.length === 0 ? undefined : Object.fromEntries(names.map((name) => [name, {}]))
}
