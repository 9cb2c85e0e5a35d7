import type { ServiceDescription } from '@tenon/core'
import { type Place, placesOf } from '../../place.ts'

/** A server that the service connects to. */
export interface Peer extends Place {
  /** What connects to it: `remote shop.user.v1.UserService`. */
  readonly reasons: readonly string[]
  /** Whether it is a server of DNS, which is asked over UDP, and over TCP where an answer is long. */
  readonly isDns?: boolean
}

/** All servers that a service says it connects to, each once; a Unix socket is none. */
export function peersOf(service: ServiceDescription): readonly Peer[] {
  const { remotes, transports, providers, registry, configSources = [] } = service
  const found = new Map<string, Peer>()
  const add = (address: string, reason: string, more: Pick<Peer, 'isDns'> = {}) => {
    for (const { host, port } of placesOf(address)) {
      const key = `${host}:${port}`
      const known = found.get(key)
      found.set(key, { ...known, host, port, ...more, reasons: [...new Set([...(known?.reasons ?? []), reason])] })
    }
  }
  for (const { contract, address } of remotes) add(address, `remote ${contract}`)
  for (const { name, connectsTo = [] } of transports) for (const one of connectsTo) add(one, `transport ${name}`)
  for (const { name, connectsTo = [] } of providers) for (const one of connectsTo) add(one, `provider ${name}`)
  for (const { name, connectsTo = [] } of configSources) for (const one of connectsTo) add(one, `settings from ${name}`)
  // Where the API server is only the cluster knows.
  const registryPlaces = registry?.name === 'kubernetes' ? [] : (registry?.connectsTo ?? [])
  const more = registry?.name === 'dns' ? { isDns: true } : {}
  for (const one of registryPlaces) add(one, `registry ${registry?.name ?? ''}`.trim(), more)
  return [...found.values()]
}

/** Whether it looks for others by its registry: what does needs the directory. */
export function looksForOthers({ providers }: ServiceDescription): boolean {
  return providers.some(({ name }) => name === 'ServiceDirectory')
}

/** The services that are found by a registry, as they are named there: `user`, or `user.shop`. */
export function foundServices({ remotes }: ServiceDescription): readonly string[] {
  const names = remotes.flatMap(({ address }) => /^registry:\/\/\/(.+)$/.exec(address)?.[1] ?? [])
  return [...new Set(names)]
}
