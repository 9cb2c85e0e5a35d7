/** Where a server is that something connects to: `host:port`, or a URL. What hides a secret is shown without it. */
export type PeerAddress = string | { reveal(): string }

/**
 * Host and port of each server that an address names, as `host:port`: a URL of a cluster names several. Nothing where it tells neither, as a
 * Unix socket or a name that only DNS knows more of. Never any other part of a URL.
 */
export function toPeers(address: PeerAddress): readonly string[] {
  const text = typeof address === 'string' ? address : address.reveal()
  const [, scheme, rest = text] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? []
  const [authority = '', ...others] = rest.split(/[/?#]/)
  // Where an `@` comes behind, all before it may be a password that was not escaped.
  if (others.some((part) => part.includes('@'))) return []
  const places = authority.slice(authority.lastIndexOf('@') + 1)
  const peers = places.split(',').map((place) => toPeer(place, usualPorts[scheme?.toLowerCase() ?? '']))
  return peers.filter((peer) => peer !== undefined)
}

function toPeer(place: string, usualPort: number | undefined): string | undefined {
  const [, host, given] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(place) ?? []
  const port = Number(given ?? usualPort)
  return host !== undefined && port > 0 && port <= 65_535 ? `${host.toLowerCase()}:${port}` : undefined
}

/** @see IANA, Service Name and Transport Protocol Port Number Registry; the vendors' own defaults */
const usualPorts: Readonly<Record<string, number>> = {
  amqp: 5672,
  amqps: 5671,
  http: 80,
  https: 443,
  mongodb: 27_017,
  mysql: 3306,
  nats: 4222,
  postgres: 5432,
  postgresql: 5432,
  redis: 6379,
  rediss: 6379,
}
