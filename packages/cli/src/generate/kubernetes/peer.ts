import type { ServiceDescription } from '@tenon/core'
import { type Place, placesOf } from '../../place.ts'

/** A server that the service connects to. */
export interface Peer extends Place {
  /** What connects to it: `remote shop.user.v1.UserService`. */
  readonly reasons: readonly string[]
}

/** All servers that a service says it connects to, each once; a Unix socket is none. */
export function peersOf({ remotes, transports, providers, configSources = [] }: ServiceDescription): readonly Peer[] {
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
  return [...found.values()]
}
