import type { Endpoint, Instance, InstanceHealth } from '@tenon/core/registry'
import type { MappingSettings } from './kubernetes-options.ts'

/** What a slice tells of one pod, or of another thing that takes calls. */
export interface FoundEndpoint {
  /** The name of the pod; the address and ports of what is none. */
  readonly id: string
  /** One for each protocol. */
  readonly endpoints: readonly Endpoint[]
  readonly isIpv6: boolean
  readonly health: InstanceHealth
  readonly zone: string | undefined
  /** The zones that it is for; undefined where nothing is said. */
  readonly forZones: readonly string[] | undefined
  /** The same for the same content. */
  readonly key: string
}

/** A slice as it is read. */
export interface ReadSlice {
  readonly found: readonly FoundEndpoint[]
  /** What of it could not be read, for a person. */
  readonly problem?: string
}

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads an EndpointSlice, of which anything may be missing.
 *
 * @see Kubernetes API reference, EndpointSlice discovery.k8s.io/v1
 */
export function readSlice(slice: Fields, settings: MappingSettings): ReadSlice {
  const { addressType } = slice
  if (addressType !== 'IPv4' && addressType !== 'IPv6')
    return { found: [], problem: `has addresses of type ${JSON.stringify(addressType)}, which are not supported` }
  const given = listOf(slice['endpoints'])
  const ports = toPorts(listOf(slice['ports']), settings.ports)
  if (ports.length === 0 && given.length > 0) return { found: [], problem: portProblem(slice, settings) }
  const found = given.flatMap((one) => {
    const read = readEndpoint(one, ports)
    return read ? [{ ...read, isIpv6: addressType === 'IPv6', key: JSON.stringify([addressType, read]) }] : []
  })
  const strays = given.filter((one) => addressOf(one) === undefined).length
  return { found, ...(strays > 0 && { problem: `has ${strays} endpoints without an address` }) }
}

/**
 * One instance of what slices tell under its id. What comes first is the newest; an endpoint may be in two slices while it is moved.
 */
export function toInstance(name: string, [newest, ...others]: readonly [FoundEndpoint, ...FoundEndpoint[]]): Instance {
  const all = [newest, ...others].toSorted((one, other) => Number(one.isIpv6) - Number(other.isIpv6))
  const endpoints = new Map<string, Endpoint>()
  for (const endpoint of all.flatMap((one) => one.endpoints))
    if (!endpoints.has(endpoint.protocol)) endpoints.set(endpoint.protocol, endpoint)
  return Object.freeze({
    id: newest.id,
    name,
    version: '',
    endpoints: Object.freeze([...endpoints.values()]),
    ...(newest.zone !== undefined && { zone: newest.zone }),
    weight: 1,
    health: newest.health,
  })
}

/**
 * Those that are for a zone. All, where hints say nothing of it: not every endpoint has one yet, or none is for the zone.
 *
 * @see Kubernetes, Topology Aware Routing: Safeguards
 */
export function forZone<Found extends { readonly newest: FoundEndpoint }>(
  all: readonly Found[],
  zone: string,
): readonly Found[] {
  const serving = all.filter(({ newest }) => newest.health === 'serving')
  if (serving.some(({ newest }) => newest.forZones === undefined)) return all
  const near = all.filter(({ newest }) => newest.forZones?.includes(zone))
  return near.some(({ newest }) => newest.health === 'serving') ? near : all
}

interface Port {
  readonly protocol: string
  readonly port: number
}

interface SlicePort {
  readonly name: string
  readonly port: number
  readonly appProtocol: unknown
}

/** One port for each protocol. */
function toPorts(given: readonly Fields[], chosen: MappingSettings['ports']): readonly Port[] {
  const ports = given.flatMap(({ name, port, protocol = 'TCP', appProtocol }): readonly SlicePort[] =>
    protocol === 'TCP' && isPort(port) ? [{ name: typeof name === 'string' ? name : '', port, appProtocol }] : [],
  )
  if (chosen)
    return Object.entries(chosen).flatMap(([protocol, wanted]) => {
      const port = ports.find((one) => (typeof wanted === 'number' ? one.port : one.name) === wanted)
      return port ? [{ protocol, port: port.port }] : []
    })
  // A port that is named so counts before one that only says so: `metrics` may speak http too.
  const byName = ports.toSorted((one, other) => Number(isNamed(other)) - Number(isNamed(one)))
  const found = new Map<string, number>()
  for (const port of byName) {
    const protocol = protocolOf(port)
    if (protocol !== undefined && !found.has(protocol)) found.set(protocol, port.port)
  }
  return Array.from(found, ([protocol, port]) => ({ protocol, port }))
}

const httpNames: readonly unknown[] = ['http', 'https']
const grpcNames: readonly unknown[] = ['grpc', 'grpcs']

function isNamed({ name }: SlicePort): boolean {
  return httpNames.includes(name) || grpcNames.includes(name)
}

/** @see Kubernetes, Service: Application protocol; `kubernetes.io/h2c` is HTTP/2 in plain text, which gRPC is. */
function protocolOf(port: SlicePort): string | undefined {
  const { name, appProtocol } = port
  const isGrpc = isNamed(port)
    ? grpcNames.includes(name)
    : appProtocol === 'kubernetes.io/h2c' || grpcNames.includes(appProtocol)
  if (!isGrpc && !isNamed(port) && !httpNames.includes(appProtocol)) return undefined
  const isSecure = [name, appProtocol].some((one) => one === 'https' || one === 'grpcs')
  return `${isGrpc ? 'grpc' : 'http'}${isSecure ? 's' : ''}`
}

function portProblem(slice: Fields, { ports }: MappingSettings): string {
  const names = listOf(slice['ports']).map(({ name, port }) => `${JSON.stringify(name ?? '')} (${String(port)})`)
  const wanted = ports
    ? `that option ports names (${Object.values(ports).join(', ')})`
    : 'named http, https, grpc or grpcs, or with such an appProtocol: name one so, or set option ports'
  return `has no port ${wanted}; it has ${names.join(', ') || 'none'}`
}

function readEndpoint(given: Fields, ports: readonly Port[]): Omit<FoundEndpoint, 'key' | 'isIpv6'> | undefined {
  const host = addressOf(given)
  const health = healthOf(fieldsOf(given['conditions']))
  if (host === undefined || health === undefined) return undefined
  const { zone, targetRef, hints } = given
  const { name } = fieldsOf(targetRef)
  const { forZones } = fieldsOf(hints)
  return {
    id: typeof name === 'string' && name !== '' ? name : idOf(host, ports),
    endpoints: Object.freeze(ports.map(({ protocol, port }) => Object.freeze({ protocol, host, port }))),
    health,
    zone: typeof zone === 'string' && zone !== '' ? zone : undefined,
    forZones:
      Array.isArray(forZones) && forZones.length > 0 ? listOf(forZones).map((one) => String(one['name'])) : undefined,
  }
}

/** Of what may share its address with others: `10.0.0.9:3000,50051`. */
function idOf(host: string, ports: readonly Port[]): string {
  const numbers = [...new Set(ports.map(({ port }) => port))].toSorted((one, other) => one - other)
  return `${host.includes(':') ? `[${host}]` : host}:${numbers.join()}`
}

/** Nothing is said of addresses beyond the first. */
function addressOf({ addresses }: Fields): string | undefined {
  const first: unknown = Array.isArray(addresses) ? addresses[0] : undefined
  return typeof first === 'string' && first !== '' ? first : undefined
}

/** What is not said is true, but for `terminating`; undefined for one that takes no calls. */
function healthOf({ ready, serving, terminating }: Fields): InstanceHealth | undefined {
  const takesCalls = ready !== false || (terminating === true && serving !== false)
  if (!takesCalls) return undefined
  return terminating === true ? 'draining' : 'serving'
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 65_535
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : []
}
