import { noted, type YamlFields, type YamlValue } from '../yaml-text.ts'
import { userId } from '../pod-facts.ts'
import type { BackingServer } from './backing-server.ts'
import { needs } from './chosen-servers.ts'
import { type ComposedVariable, graceSeconds } from './compose-environment.ts'
import { type ComposedService, settingsFileOf } from './composed-service.ts'
import type { PublishedPort } from './published-ports.ts'

/** What one service of the compose file is written from. */
export interface ComposedParts {
  readonly environment: Readonly<Record<string, ComposedVariable>>
  readonly ports: readonly PublishedPort[]
  readonly servers: readonly BackingServer[]
}

/** A service as the compose file has it. */
export function composedFields(service: ComposedService, { environment, ports, servers }: ComposedParts): YamlFields {
  const { description, image } = service
  const { shutdownTimeoutMs } = description.limits
  return {
    ...('image' in image ? { image: image.image } : { build: { ...image } }),
    environment: Object.fromEntries(
      Object.entries(environment).map(([variable, { value, note }]) => [variable, withNote(value, note)]),
    ),
    env_file: noted([settingsFileOf(description)], 'yours: what the code does not tell, and secrets'),
    ports: portFields(ports),
    depends_on: waitsFor(servers.filter((server) => needs(service, server))),
    stop_grace_period: noted(
      `${graceSeconds(description)}s`,
      `shutdownTimeoutMs ${shutdownTimeoutMs} + 1000 ms for the process itself, rounded up`,
    ),
    init: noted(false, 'node is process 1 and takes the signals itself'),
    user: noted(`${userId}:${userId}`, 'not root, as in a pod'),
    read_only: true,
    tmpfs: noted(['/tmp:size=64m'], 'the only place it can write to; the size is a guess'),
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
  }
}

/** Reached from this machine only. */
export function portFields(ports: readonly PublishedPort[]): readonly YamlValue[] | undefined {
  if (ports.length === 0) return undefined
  return ports.map(({ hostPort, containerPort, label }) => noted(`127.0.0.1:${hostPort}:${containerPort}`, label))
}

function waitsFor(servers: readonly BackingServer[]): YamlFields | undefined {
  if (servers.length === 0) return undefined
  return Object.fromEntries(servers.map(({ name }) => [name, { condition: 'service_healthy' }]))
}

function withNote(value: string, note: string | undefined): YamlValue {
  return note === undefined ? value : noted(value, note)
}
