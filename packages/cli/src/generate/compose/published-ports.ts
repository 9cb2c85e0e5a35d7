import { isLoopback } from '../loopback.ts'
import type { BackingServer } from './backing-server.ts'
import type { ComposedService } from './composed-service.ts'

/** A port of a container that programs of this machine reach. */
export interface PublishedPort {
  readonly hostPort: number
  readonly containerPort: number
  /** What listens there: `grpc`, `probes`. */
  readonly label: string
}

/** The ports of all containers, by the names of their services. */
export type PublishedPorts = ReadonlyMap<string, readonly PublishedPort[]>

/** Each port has its own number on this machine too, unless a service before it has that one: then the next that is free. */
export function publishedPorts(
  services: readonly ComposedService[],
  servers: readonly BackingServer[],
): PublishedPorts {
  const taken = new Set<number>()
  const publish = (containerPort: number, label: string): PublishedPort => {
    let hostPort = containerPort
    while (taken.has(hostPort)) hostPort += 1
    taken.add(hostPort)
    return { hostPort, containerPort, label }
  }
  const ports = new Map<string, readonly PublishedPort[]>()
  for (const { description } of services) {
    // Two protocols may share a port.
    const listeners = new Map(openListeners(description).map(({ port, label }) => [port, label]))
    ports.set(
      description.name,
      Array.from(listeners, ([port, label]) => publish(port, label)),
    )
  }
  for (const { name, port } of servers) ports.set(name, [publish(port, 'for programs of this machine')])
  return ports
}

/** Where a service listens. */
export interface Listener {
  /** The protocol, or `probes`. */
  readonly label: string
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
}

/** All that listens on ports. */
export function listenersOf({ transports, admin }: ComposedService['description']): readonly Listener[] {
  const listeners = transports
    .flatMap(({ listensAt = [] }) => listensAt)
    .filter(({ host }) => !host.startsWith('unix:'))
    .map(({ protocol, host, port }) => ({ label: protocol, host, port }))
  return admin === undefined ? listeners : [...listeners, { label: 'probes', host: admin.host, port: admin.port }]
}

function openListeners(description: ComposedService['description']): readonly Listener[] {
  return listenersOf(description).filter(({ host, port }) => port > 0 && !isLoopback(host))
}
