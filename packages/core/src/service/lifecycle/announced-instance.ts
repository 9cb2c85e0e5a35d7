import { networkInterfaces } from 'node:os'
import type { Endpoint, Instance } from '../../registry/registry.ts'
import type { Address, ServiceIdentity } from '../../transport/transport.ts'
import { type InstanceSettings, isWildcard } from '../instance-options.ts'

/** What an instance is made of. */
export interface InstanceParts {
  readonly identity: ServiceIdentity
  readonly settings: InstanceSettings
  /** Where its servers listen; the one of its probes, and Unix sockets, are left out. */
  readonly addresses: readonly Address[]
  /** The addresses of this machine, for servers that listen on all of them. @defaultValue what the system says */
  readonly ownAddresses?: () => readonly string[]
}

/** A copy of a service as others shall find it. */
export function announcedInstance({
  identity,
  settings,
  addresses,
  ownAddresses = machineAddresses,
}: InstanceParts): Instance {
  const { name, version, instanceId: id } = identity
  const { host: advertised, zone, weight, metadata } = settings
  const endpoints = addresses
    // Nobody else reaches a Unix socket.
    .filter(({ protocol, port }) => protocol !== 'admin' && port > 0)
    .map(({ protocol, host, port }): Endpoint => {
      const reachable = advertised ?? (isWildcard(host) ? (ownAddresses()[0] ?? '127.0.0.1') : host)
      return { protocol, host: reachable, port }
    })
  return {
    id,
    name,
    version,
    endpoints,
    ...(zone !== undefined && { zone }),
    ...(weight !== undefined && { weight }),
    ...(metadata !== undefined && { metadata }),
  }
}

/** Without loopbacks and addresses that hold on one link only; IPv4 first. */
function machineAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((one) => one ?? [])
  const usable = all.filter(({ internal, address }) => !internal && !/^(?:fe80:|169\.254\.)/i.test(address))
  return ['IPv4', 'IPv6'].flatMap((wanted) =>
    usable.filter(({ family }) => family === wanted).map(({ address }) => address),
  )
}

/** Whether others on other machines cannot reach it. */
export function isOnLoopback({ endpoints }: Instance): boolean {
  return endpoints.some(({ host }) => host === 'localhost' || host === '::1' || host.startsWith('127.'))
}
