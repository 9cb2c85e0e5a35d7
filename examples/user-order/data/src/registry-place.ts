import type { Registry } from '@tenon/core/registry'
import { consulRegistry } from '@tenon/registry-consul'
import { etcdRegistry } from '@tenon/registry-etcd'
import { kubernetesRegistry } from '@tenon/registry-kubernetes'

/** Where services find each other. */
export interface RegistrySettings {
  /** `static`, `kubernetes`, `consul://host:port` or `etcd://[user@]host:port[,host:port…]` @defaultValue `static` */
  readonly registry: string | undefined
  /** The token for Consul, or the password of the user of etcd. */
  readonly registryPassword: { reveal(): string } | undefined
}

/**
 * The registry that services are announced in and found by; none where they are at addresses that stay.
 *
 * @throws TypeError that names the setting, for a registry that does not exist.
 */
export function registryAt({ registry: place, registryPassword: password }: RegistrySettings): Registry | undefined {
  if (!hasRegistry(place)) return undefined
  if (place === 'kubernetes') return kubernetesRegistry()
  const [, scheme, user, hosts = ''] = /^(consul|etcd):\/\/(?:([\w.-]+)@)?([^@/,]+(?:,[^@/,]+)*)\/?$/.exec(place) ?? []
  if (scheme === 'consul' && user === undefined && !hosts.includes(','))
    return consulRegistry({ address: hosts, ...(password && { token: password }) })
  if (scheme === 'etcd') {
    if ((user === undefined) !== (password === undefined))
      throw new TypeError('REGISTRY and REGISTRY_PASSWORD: expected a user and a password for etcd, or neither')
    return etcdRegistry({ endpoints: hosts.split(','), ...(user && password && { user, password }) })
  }
  throw new TypeError(
    'REGISTRY: expected static, kubernetes, consul://host:port or etcd://[user@]host:port[,host:port], with the password in REGISTRY_PASSWORD',
  )
}

/** Whether services are found by a registry, and not at addresses that stay. */
export function hasRegistry(place: string | undefined): place is string {
  return place !== undefined && place !== 'static'
}
