import { ConfigError } from '@tenon/core/transport'
import type { AsyncApiOptions } from './asyncapi-options.ts'
import { check } from './check/check-text.ts'
import type { AsyncApiChannel, AsyncApiDocument, AsyncApiServerObject } from './document.ts'
import type { Exchange } from './exchange.ts'
import { byName, compareTexts, type Named } from './named.ts'

export function serversOf({ servers }: AsyncApiOptions): Pick<AsyncApiDocument, 'servers'> {
  if (servers === undefined) return {}
  const entries = Object.entries(servers).map(([name, server]): Named<AsyncApiServerObject> => {
    const { host, protocol = 'kafka', protocolVersion, description, security = [] } = server
    const schemes = security.map((scheme) => ({ $ref: `#/components/securitySchemes/${scheme}` }))
    return [
      name,
      {
        host,
        protocol,
        ...(protocolVersion !== undefined && { protocolVersion }),
        ...(description !== undefined && { description }),
        ...(schemes.length > 0 && { security: schemes }),
      },
    ]
  })
  return { servers: Object.fromEntries(entries.toSorted(byName)) }
}

/**
 * The exchanges with the servers over which they go instead of the connections. With one connection, or without servers, none is named:
 * then each goes over all. With several, what goes over those that no server is named after is left out.
 *
 * @param connections Names of all connections of the services.
 * @throws ConfigError `config.malformed` for a server that is named after none of several connections.
 */
export function overServers(
  exchanges: readonly Exchange[],
  connections: readonly string[],
  { servers }: AsyncApiOptions,
): readonly Exchange[] {
  const all = [...new Set(connections)].toSorted(compareTexts)
  if (servers === undefined || all.length < 2) return exchanges.map((exchange) => ({ ...exchange, connections: [] }))
  const strays = Object.keys(servers).filter((name) => !all.includes(name))
  const expected = `must be named after the connections that go there, expected ${all.join(', ')}`
  if (strays.length > 0) throw new ConfigError(strays.map((name) => check.malformed(`servers.${name} ${expected}`)))
  return exchanges
    .map((exchange) => ({
      ...exchange,
      connections: exchange.connections.filter((name) => Object.hasOwn(servers, name)),
    }))
    .filter((exchange) => exchange.connections.length > 0)
}

/** Where a channel is; on all servers when none is named. */
export function referToServers(names: readonly string[]): Pick<AsyncApiChannel, 'servers'> {
  return names.length === 0 ? {} : { servers: names.map((name) => ({ $ref: `#/servers/${name}` })) }
}
