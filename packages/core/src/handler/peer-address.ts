/** Where a server is that something connects to: `host:port`, or a URL. What hides a secret is shown without it. */
export type PeerAddress = string | { reveal(): string }

/** Host and port of a server, as `host:port`; undefined for what does not tell both. Never any other part of a URL. */
export function toPeer(address: PeerAddress): string | undefined {
  const text = typeof address === 'string' ? address : address.reveal()
  const [, scheme, authority = text] = /^([a-z][a-z0-9+.-]*):\/\/(?:[^/?#]*@)?([^/?#]*)/i.exec(text) ?? []
  const [, host, given] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(authority) ?? []
  const port = Number(given ?? usualPorts[scheme?.toLowerCase() ?? ''])
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
