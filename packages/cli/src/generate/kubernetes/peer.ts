import type { ServiceDescription } from '@tenon/core'

/** A server that the service connects to. */
export interface Peer {
  readonly host: string
  readonly port: number
  /** What connects to it: `remote shop.user.v1.UserService`. */
  readonly reasons: readonly string[]
}

/** All servers that a service says it connects to, each once; a Unix socket is none. */
export function peersOf({ remotes, transports, providers }: ServiceDescription): readonly Peer[] {
  const found = new Map<string, Peer>()
  const add = (address: string, reason: string) => {
    const at = placeOf(address)
    if (at === undefined) return
    const key = `${at.host}:${at.port}`
    found.set(key, { ...at, reasons: [...new Set([...(found.get(key)?.reasons ?? []), reason])] })
  }
  for (const { contract, address } of remotes)
    for (const one of address.replace(/^static:\/\/\//, '').split(',')) add(one, `remote ${contract}`)
  for (const { name, connectsTo = [] } of transports) for (const one of connectsTo) add(one, `transport ${name}`)
  for (const { name, connectsTo = [] } of providers) for (const one of connectsTo) add(one, `provider ${name}`)
  return [...found.values()]
}

/** Whether it is this pod itself. */
export function isLoopback(host: string): boolean {
  return /^127\.|^localhost$|^::1$/.test(host)
}

function placeOf(address: string): { readonly host: string; readonly port: number } | undefined {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:[\]]+)):(\d+)$/.exec(address.trim()) ?? []
  const host = bracketed ?? plain
  return host === undefined ? undefined : { host: host.toLowerCase(), port: Number(port) }
}
