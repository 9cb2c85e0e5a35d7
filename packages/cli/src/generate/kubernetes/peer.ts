import type { ServiceDescription } from '@tenon/core'
import { type Place, placesOf } from '../../place.ts'

/** A server that the service connects to. */
export interface Peer extends Place {
  /** What connects to it: `remote shop.user.v1.UserService`. */
  readonly reasons: readonly string[]
}

/** All servers that a service says it connects to, each once; a Unix socket is none. */
export function peersOf(service: ServiceDescription): readonly Peer[] {
  const { remotes, transports, providers, registry, configSources = [] } = service
  const found = new Map<string, Peer>()
  const add = (address: string, reason: string) => {
    for (const { host, port } of placesOf(address)) {
      const key = `${host}:${port}`
      found.set(key, { host, port, reasons: [...new Set([...(found.get(key)?.reasons ?? []), reason])] })
    }
  }
  for (const { contract, address } of remotes) add(address, `remote ${contract}`)
  for (const { name, connectsTo = [] } of transports) for (const one of connectsTo) add(one, `transport ${name}`)
  for (const { name, connectsTo = [] } of providers) for (const one of connectsTo) add(one, `provider ${name}`)
  for (const { name, connectsTo = [] } of configSources) for (const one of connectsTo) add(one, `settings from ${name}`)
  // Where the API server is only the cluster knows.
  const registryPlaces = registry?.name === 'kubernetes' ? [] : (registry?.connectsTo ?? [])
  for (const one of registryPlaces) add(one, `registry ${registry?.name ?? ''}`.trim())
  return [...found.values()]
}

/** The services that are found by a registry, as they are named there: `user`, or `user.shop`. */
export function foundServices({ remotes }: ServiceDescription): readonly string[] {
  const names = remotes.flatMap(({ address }) => /^registry:\/\/\/(.+)$/.exec(address)?.[1] ?? [])
  return [...new Set(names)]
}
