import type { ServiceDescription } from '@tenon/core'
import { FaultError } from '../../command/command.ts'
import { isLoopback } from '../loopback.ts'

/** A port of the container. */
export interface PodPort {
  readonly name: string
  readonly number: number
  /** What the Service tells balancers and meshes that it carries. */
  readonly appProtocol: string
  /** The Service that it belongs to; `admin` belongs to none. */
  readonly kind: 'http' | 'grpc' | 'admin'
}

/** Its admin server, and its transports as far as they can be reached from outside of the pod. */
export interface PodPorts {
  readonly admin: PodPort
  readonly transports: readonly PodPort[]
  /** What cannot be reached. */
  readonly warnings: readonly string[]
}

/**
 * Where a pod of the service listens.
 *
 * @throws FaultError without an admin server that the kubelet reaches, and for ports that nobody can know or that are taken twice.
 */
export function podPorts(service: ServiceDescription): PodPorts {
  const admin = adminPort(service)
  const places = service.transports.flatMap(({ name, listensAt = [] }) =>
    listensAt.map((address, index) => ({ ...address, name: index === 0 ? name : `${name}-${index + 1}` })),
  )
  const isReached = ({ host }: { readonly host: string }) => !host.startsWith('unix:') && !isLoopback(host)
  const transports = places.filter(isReached).map(({ name, protocol, port }): PodPort => {
    const kind = protocol.startsWith('grpc') ? 'grpc' : 'http'
    return { name: portName(name), number: port, kind, appProtocol: appProtocols[protocol] ?? protocol }
  })
  checkNumbers([admin, ...transports], service.name)
  return {
    admin,
    transports,
    warnings: [
      ...places
        .filter((place) => !isReached(place))
        .map(({ name, host }) => `transport ${name} listens at ${host}, which nothing outside of the pod reaches`),
      ...[admin, ...transports]
        .filter(({ number }) => number < 1024)
        .map(
          ({ name, number }) =>
            `port ${number} (${name}) is below 1024, which not every cluster leaves to a user that is not root`,
        ),
    ],
  }
}

/**
 * `grpc` is no registered name: Kubernetes reserves names without a prefix for those of IANA and has `kubernetes.io/h2c` for HTTP/2 in
 * plain text.
 *
 * @see Kubernetes, Service: Application protocol
 */
const appProtocols: Readonly<Record<string, string>> = {
  http: 'http',
  https: 'https',
  grpc: 'kubernetes.io/h2c',
  grpcs: 'https',
}

function adminPort({ name, admin }: ServiceDescription): PodPort {
  if (admin === undefined)
    throw new FaultError(
      `${name} has no admin server, which the probes ask, for one on a port of callers waits behind them: leave \`admin: false\` out`,
    )
  if (isLoopback(admin.host))
    throw new FaultError(
      `${name}: the admin server listens at ${admin.host}, where the kubelet cannot ask it: leave \`host\` of \`admin\` out`,
    )
  return { name: 'admin', number: admin.port, kind: 'admin', appProtocol: 'http' }
}

/** @see RFC 6335, section 5.1: 15 characters at most, of which Kubernetes wants at least one letter */
function portName(transport: string): string {
  const name = transport.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  return name.slice(0, 15).replaceAll(/^-+|-+$/g, '') || 'port'
}

function checkNumbers(ports: readonly PodPort[], service: string): void {
  const seen = new Map<number | string, string>()
  for (const { name, number } of ports) {
    if (number === 0)
      throw new FaultError(
        `${service}: ${name} listens at port 0, any free one, which no manifest can name: give it a port, or set the variable it comes from in config.env`,
      )
    for (const key of [number, name]) {
      const other = seen.get(key)
      if (other !== undefined)
        throw new FaultError(
          key === number
            ? `${service}: ${other} and ${name} are both at port ${number}`
            : `${service}: the ports of two transports would be called ${name}, by their first 15 letters`,
        )
      seen.set(key, name)
    }
  }
}
