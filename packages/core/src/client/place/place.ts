import { isIP } from 'node:net'
import { ConfigError } from '../../error/setup-error.ts'
import type { ClientTransport } from '../client-transport.ts'

/** Where a remote is, by its `at`. */
export type Place =
  | { readonly kind: 'fixed'; readonly addresses: readonly string[] }
  | { readonly kind: 'registered'; readonly service: string }
  | ({ readonly kind: 'named' } & DnsName)
  | ({ readonly kind: 'url' } & UrlPlace)

/** How calls get to a remote: inside the process, or to a place by a transport. */
export type Route = { readonly kind: 'local' } | (Place & { readonly via: ClientTransport })

/** A name of which DNS knows the addresses. */
export interface DnsName {
  /** Without the dot at its end. */
  readonly host: string
  readonly port: number
  /** Who is asked: `10.0.0.10:8600`; undefined for the servers of the system. */
  readonly server: string | undefined
}

export interface UrlPlace {
  /** `https` */
  readonly scheme: string
  /** `host:port` */
  readonly address: string
  /** `/base`; empty for none. */
  readonly pathPrefix: string
}

/** @throws ConfigError `config.malformed` as `parsePlace` says, `config.missing` without a transport where one is needed. */
export function routeTo(
  at: string,
  { name, via }: { readonly name: string; readonly via: ClientTransport | undefined },
): Route {
  if (at === 'local') return { kind: 'local' }
  if (via !== undefined) return { ...parsePlace(at, { name, via }), via }
  const message = `remote(${name}): via must say how calls go to "${at}", such as via: httpClient(); only at: 'local' needs none`
  throw new ConfigError([{ code: 'config.missing', message }])
}

/** @throws ConfigError `config.malformed` for what cannot be read, or what the transport does not take. */
export function parsePlace(at: string, { name, via }: { readonly name: string; readonly via: ClientTransport }): Place {
  const place = parse(at)
  const { schemes = [] } = via
  if (place !== undefined && (place.kind !== 'url' || schemes.includes(place.scheme))) return place
  const urls = schemes.map((scheme) => `, or ${scheme}://host`).join('')
  const expected = `static:///host:port, or several host:port with commas between, or unix:/path in their place, or registry:///name, or dns:///name:port, or local${urls}`
  const reason = place === undefined ? '' : ` (${via.name}, as it is set up here, takes no ${place.scheme}://)`
  const message = `remote(${name}): at must be ${expected}, found "${at}"${reason}`
  throw new ConfigError([{ code: 'config.malformed', message }])
}

function parse(at: string): Place | undefined {
  const service = registryForm.exec(at)?.[1]
  if (service !== undefined) return { kind: 'registered', service }
  if (at.startsWith(staticScheme)) return parseFixed(at.slice(staticScheme.length))
  if (at.startsWith('dns://')) return parseName(at)
  return /^https?:\/\//.test(at) ? parseUrl(at) : undefined
}

/** What a registry may call a service: a name of DNS, with those of namespaces behind it. */
const registryForm = /^registry:\/\/\/([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)$/i
const staticScheme = 'static:///'

function parseFixed(text: string): Place | undefined {
  const addresses = text.split(',')
  return addresses.every(isAddress) ? { kind: 'fixed', addresses } : undefined
}

function isAddress(text: string): boolean {
  if (/^unix:\/./.test(text)) return true
  const match = /^(?:\[[\da-f:.%]+\]|[^,/\s:[\]]+):(\d{1,5})$/i.exec(text)
  return match !== null && Number(match[1]) <= 65_535
}

/** @see gRPC name resolution: `dns:[//authority/]host[:port]` */
const dnsForm = /^dns:\/\/(?<server>[^/\s]*)\/(?<host>[\w-]{1,63}(?:\.[\w-]{1,63})*)\.?:(?<port>\d{1,5})$/

/** An IP address is no name: nothing could be asked for. */
function parseName(at: string): Place | undefined {
  const { server, host = '', port } = dnsForm.exec(at)?.groups ?? {}
  const isName = host !== '' && host.length <= 253 && isIP(host) === 0
  if (!isName || !isPort(Number(port)) || (server && !isServer(server))) return undefined
  return { kind: 'named', host, port: Number(port), server: server === '' ? undefined : server }
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535
}

/** DNS servers have addresses; their names could be found by nobody. */
function isServer(server: string): boolean {
  const [, bracketed, plain = '', port = '53'] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(server) ?? []
  return (bracketed === undefined ? isIP(plain) === 4 : isIP(bracketed) === 6) && isPort(Number(port))
}

function parseUrl(at: string): Place | undefined {
  if (!URL.canParse(at)) return undefined
  const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(at)
  if (/[?#\s\\]/.test(at) || [search, hash, username, password].some((part) => part !== '')) return undefined
  const scheme = protocol.slice(0, -1)
  const address = `${hostname}:${port || (scheme === 'https' ? 443 : 80)}`
  return port === '0' ? undefined : { kind: 'url', scheme, address, pathPrefix: pathname.replace(/\/+$/, '') }
}
