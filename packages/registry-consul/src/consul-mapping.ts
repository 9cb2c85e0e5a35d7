import type { Endpoint, Instance, InstanceHealth } from '@tenon/core/registry'
import { isRecord } from '@tenon/core/transport'

/** What tells this life of an instance from others, and one state of it from the next. */
export interface Incarnation {
  readonly id: string
  /** Grows with every change. */
  readonly revision: number
}

/** What Consul is told of an instance, checks left out. @see Consul API, Register Service */
export interface ServiceRecord {
  readonly ID: string
  readonly Name: string
  readonly Address?: string
  readonly Port?: number
  readonly Tags: readonly string[]
  readonly Meta: Readonly<Record<string, string>>
  readonly Weights: { readonly Passing: number; readonly Warning: number }
}

/** What Consul says of one registered service: an instance, nothing for one that takes no part, or why it cannot be read. */
export type Reading =
  | { readonly kind: 'instance'; readonly instance: Instance }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unreadable'; readonly problem: string }

/** Keys of `Meta`. Keys of an instance's own metadata stand beside them as they are, unless Consul would refuse them. */
export const metaKeys = Object.freeze({
  version: 'tenon-version',
  endpoints: 'tenon-endpoints',
  incarnation: 'tenon-incarnation',
  revision: 'tenon-revision',
  zone: 'tenon-zone',
  weight: 'tenon-weight',
  health: 'tenon-health',
})

/** Begins the id of every check that an instance has of itself. */
export const checkPrefix = 'tenon:'

/** @throws Error for what Consul would refuse, or cut. */
export function toServiceRecord(instance: Instance, incarnation: Incarnation, tags: readonly string[]): ServiceRecord {
  const [first] = instance.endpoints
  const { zone, weight, health = 'serving' } = instance
  const meta = {
    ...Object.fromEntries(Object.entries(instance.metadata ?? {}).map(([key, value]) => [toMetaKey(key), value])),
    [metaKeys.version]: instance.version,
    [metaKeys.endpoints]: instance.endpoints.map(writeEndpoint).join(','),
    [metaKeys.incarnation]: incarnation.id,
    [metaKeys.revision]: String(incarnation.revision),
    [metaKeys.health]: health,
    ...(zone !== undefined && { [metaKeys.zone]: zone }),
    ...(weight !== undefined && { [metaKeys.weight]: String(weight) }),
  }
  const problem = problemOf(meta)
  if (problem !== undefined) throw new Error(`the instance ${instance.id} does not fit into Consul: ${problem}`)
  return {
    ID: instance.id,
    Name: instance.name,
    ...(first && { Address: first.host, Port: first.port }),
    Tags: tags,
    Meta: meta,
    // Consul takes no 0; those who read Tenon's own weight see it.
    Weights: { Passing: Math.max(1, Math.round(weight ?? 1)), Warning: 1 },
  }
}

/** An element of a list as `/v1/health/service/:name` has it. */
export function readEntry(entry: unknown): Reading {
  if (!isRecord(entry) || !isRecord(entry['Service'])) return unreadable('it is no record of a service')
  const { ID: id, Service: name, Meta: meta } = entry['Service']
  if (typeof id !== 'string' || id === '' || typeof name !== 'string') return unreadable('it has no id')
  if (!isRecord(meta) || meta[metaKeys.endpoints] === undefined)
    return unreadable(`the service ${id} was not registered by Tenon: its Meta has no ${metaKeys.endpoints}`)
  const texts = textsOf(meta)
  const endpoints = readEndpoints(texts[metaKeys.endpoints] ?? '')
  if (endpoints === undefined) return unreadable(`the ${metaKeys.endpoints} of ${id} are no list of protocol=host:port`)
  const health = readHealth(texts[metaKeys.health])
  if (!isPresent(entry['Checks'])) return { kind: 'gone' }
  return { kind: 'instance', instance: freeze({ id, name, endpoints, health, texts }) }
}

/** The incarnation that a record names; undefined for a record of somebody else. */
export function readIncarnation(meta: unknown): Incarnation | undefined {
  if (!isRecord(meta)) return undefined
  const { [metaKeys.incarnation]: id, [metaKeys.revision]: revision } = meta
  return typeof id === 'string' ? { id, revision: Number(revision) } : undefined
}

/** What a check that the process reports says of its health: what is critical is gone, so that one that died is not taken for one that only does not serve. */
export const checkStatus = Object.freeze({
  serving: 'passing',
  draining: 'warning',
  not_serving: 'warning',
} as const satisfies Record<InstanceHealth, string>)

interface Read {
  readonly id: string
  readonly name: string
  readonly endpoints: readonly Endpoint[]
  readonly health: InstanceHealth
  readonly texts: Readonly<Record<string, string>>
}

function freeze({ id, name, endpoints, health, texts }: Read): Instance {
  const { [metaKeys.version]: version = '', [metaKeys.zone]: zone, [metaKeys.weight]: weight } = texts
  const metadata = Object.fromEntries(Object.entries(texts).flatMap(([key, value]) => toOwnEntry(key, value)))
  const weightNumber = Number(weight)
  return Object.freeze({
    id,
    name,
    version,
    endpoints,
    ...(zone !== undefined && { zone }),
    ...(weight !== undefined && weightNumber >= 0 && weightNumber <= 1_000 && { weight: weightNumber }),
    ...(Object.keys(metadata).length > 0 && { metadata: Object.freeze(metadata) }),
    health,
  })
}

/** A critical check means gone, also the one of its node, and so does maintenance, which is a critical check. */
function isPresent(checks: unknown): boolean {
  return (Array.isArray(checks) ? checks : []).filter(isRecord).every(({ Status: status }) => status !== 'critical')
}

function readHealth(text: string | undefined): InstanceHealth {
  return text === 'draining' || text === 'not_serving' ? text : 'serving'
}

/** `grpc=10.0.0.3:9090`, `http=[::1]:8080` */
function writeEndpoint({ protocol, host, port }: Endpoint): string {
  return `${protocol}=${host.includes(':') ? `[${host}]` : host}:${port}`
}

function readEndpoints(text: string): readonly Endpoint[] | undefined {
  if (text === '') return Object.freeze([])
  const endpoints = text.split(',').map((part) => {
    const [, protocol = '', bracketed, plain, port] =
      /^([^=\s]+)=(?:\[([^\]\s]+)\]|([^:\s]+)):(\d{1,5})$/.exec(part) ?? []
    return Object.freeze({ protocol, host: bracketed ?? plain ?? '', port: Number(port) })
  })
  return endpoints.every(({ host, port }) => host !== '' && port <= 65_535) ? Object.freeze(endpoints) : undefined
}

/** Keys that Consul does not take, and those that could be taken for Tenon's, are written with `_2e` for a dot. */
function toMetaKey(key: string): string {
  if (/^[\w-]+$/.test(key) && !key.startsWith('tenon-')) return key
  return `${escapedPrefix}${key.replace(/[_.]/g, (mark) => (mark === '.' ? '_2e' : '_5f'))}`
}

const escapedPrefix = 'tenon-meta-'

function toOwnEntry(key: string, value: string): readonly (readonly [string, string])[] {
  if (key.startsWith(escapedPrefix))
    return [[key.slice(escapedPrefix.length).replace(/_(2e|5f)/g, (_, code) => (code === '2e' ? '.' : '_')), value]]
  return key.startsWith('tenon-') ? [] : [[key, value]]
}

function textsOf(meta: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(meta).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  )
}

/** @see Consul, agent/structs: metaMaxKeyPairs, metaKeyMaxLength, metaValueMaxLength, metaKeyFormat */
function problemOf(meta: Readonly<Record<string, string>>): string | undefined {
  const entries = Object.entries(meta)
  if (entries.length > 64) return `Meta takes 64 keys, of which Tenon uses up to 7; it would have ${entries.length}`
  for (const [key, value] of entries) {
    if (!/^[\w-]+$/.test(key))
      return `the key ${JSON.stringify(key)} has other characters than letters, digits, -, _ and .`
    if (key.length > 128) return `the key ${key.slice(0, 32)}… is longer than 128 characters`
    if (Buffer.byteLength(value) > 512) return `the value of ${key} is longer than 512 bytes`
  }
  return undefined
}

function unreadable(problem: string): Reading {
  return { kind: 'unreadable', problem }
}
