import type { Instance } from '../registry.ts'
import type { DnsSettings } from './dns-options.ts'

/** What is asked for, and what an answer stands for. */
export interface DnsQuestion {
  /** The service. */
  readonly name: string
  /** The whole name that is asked for. */
  readonly host: string
  readonly protocol: string
  /** Undefined where DNS tells it. */
  readonly port: number | undefined
}

/** Where something is, and how long that is right. */
export interface DnsAddress {
  readonly address: string
  readonly ttlMs: number
}

/** A record that tells a host and a port. @see RFC 2782 */
export interface DnsServiceRecord {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

export function toQuestion(name: string, settings: DnsSettings): DnsQuestion {
  const { domain, services } = settings
  const service = Object.hasOwn(services, name) ? services[name] : undefined
  const host = service?.host ?? (domain === undefined ? name : `${name}.${domain}`)
  const protocol = service?.protocol ?? settings.protocol
  const port = service?.port ?? settings.port
  if (host.startsWith('_')) return { name, host, protocol, port: undefined }
  return { name, host: port === undefined ? `_${protocol}._tcp.${host}` : host, protocol, port }
}

/** A part of an instance, which is all that DNS has. */
export interface DnsPlace {
  readonly address: string
  readonly port: number
  readonly weight?: number
}

/** DNS knows no ids and no versions: the address is the id, and the version is empty. */
export function toInstance({ name, protocol }: DnsQuestion, { address, port, weight }: DnsPlace): Instance {
  const id = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  const endpoints = Object.freeze([Object.freeze({ protocol, host: address, port })])
  return Object.freeze({ id, name, version: '', endpoints, ...(weight !== undefined && { weight }) })
}

/**
 * The weight of an instance for each record: those of the first priority share the calls by their weights, and all others are given 0,
 * which has them called only while no other can be. Weights above 1,000 are scaled, and none of the first priority is below 1.
 *
 * @see RFC 2782: a client must try the records of the lowest number first; a weight of 0 is a small chance, not none.
 */
export function toWeights(records: readonly DnsServiceRecord[]): readonly number[] {
  const first = Math.min(...records.map(({ priority }) => priority))
  const largest = Math.max(...records.filter(({ priority }) => priority === first).map(({ weight }) => weight))
  const share = Math.min(1, largestWeight / largest)
  return records.map(({ priority, weight }) => (priority === first ? Math.max(1, Math.round(weight * share)) : 0))
}

const largestWeight = 1_000

/** When to ask again; what is not known to be right for longer is asked for at the latest. */
export function toWaitMs(
  ttlMs: number | undefined,
  { minTtlMs, maxTtlMs }: Pick<DnsSettings, 'minTtlMs' | 'maxTtlMs'>,
): number {
  return Math.max(minTtlMs, Math.min(maxTtlMs, ttlMs ?? maxTtlMs))
}
