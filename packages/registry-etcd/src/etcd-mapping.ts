import type { Endpoint, Instance, InstanceHealth } from '@tenon/core/registry'
import { isRecord } from '@tenon/core/transport'

/** What is kept under the key of an instance. */
export interface InstanceRecord {
  readonly instance: Instance
  /** Which announcement put it: a later one under the same key has another. */
  readonly incarnation: string
}

/** What the keys of all instances of a name begin with. Each part is escaped, so that no name begins with another one and a `/`. */
export function toNamePrefix(prefix: string, name: string): string {
  return `${prefix}/${encodeURIComponent(name.toWellFormed())}/`
}

/** Where an instance is kept. */
export function toKey(prefix: string, { name, id }: Pick<Instance, 'name' | 'id'>): string {
  return toNamePrefix(prefix, name) + encodeURIComponent(id.toWellFormed())
}

/** The value as it is kept: JSON with the fields of the instance, `incarnation`, and `format`, the version of this form. */
export function toValue({ instance, incarnation }: InstanceRecord): string {
  const { id, name, version, endpoints, zone, weight, metadata, health } = instance
  return JSON.stringify({ format, incarnation, id, name, version, endpoints, zone, weight, metadata, health })
}

/** What a value says; frozen. @throws Error that says what is wrong with it */
export function readValue(text: string): InstanceRecord {
  const value = parse(text)
  if (value['format'] !== format) throw new Error(`its format is not ${format}`)
  const { zone, weight, metadata, health } = value
  const instance: Instance = Object.freeze({
    id: toText(value, 'id'),
    name: toText(value, 'name'),
    version: toText(value, 'version'),
    endpoints: readEndpoints(value['endpoints']),
    ...(zone !== undefined && { zone: toText(value, 'zone') }),
    ...(weight !== undefined && { weight: readWeight(weight) }),
    ...(metadata !== undefined && { metadata: readMetadata(metadata) }),
    ...(health !== undefined && { health: readHealth(health) }),
  })
  return Object.freeze({ instance, incarnation: toText(value, 'incarnation') })
}

/** The version of the form. A reader leaves out what it does not know. */
const format = 1

const healths: readonly unknown[] = ['serving', 'draining', 'not_serving'] satisfies InstanceHealth[]

function parse(text: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Error('it is no JSON')
  }
  if (isRecord(value)) return value
  throw new Error('it is no JSON object')
}

function toText(value: Readonly<Record<string, unknown>>, name: string): string {
  const text = value[name]
  if (typeof text === 'string') return text
  throw new Error(`its ${name} is no text`)
}

function readEndpoints(value: unknown): readonly Endpoint[] {
  if (!Array.isArray(value)) throw new Error('its endpoints are no list')
  const endpoints = value.map((endpoint: unknown): Endpoint => {
    if (!isRecord(endpoint)) throw new Error('an endpoint of it is no object')
    const { port } = endpoint
    if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65_535)
      throw new Error('a port of it is none')
    return Object.freeze({ protocol: toText(endpoint, 'protocol'), host: toText(endpoint, 'host'), port })
  })
  return Object.freeze(endpoints)
}

function readWeight(value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 1_000) return value
  throw new Error('its weight is no number from 0 to 1000')
}

function readMetadata(value: unknown): Readonly<Record<string, string>> {
  const entries = isRecord(value) ? Object.entries(value) : undefined
  if (entries?.every((entry): entry is [string, string] => typeof entry[1] === 'string'))
    return Object.freeze(Object.fromEntries(entries))
  throw new Error('its metadata are no texts')
}

function readHealth(value: unknown): InstanceHealth {
  if (healths.includes(value)) return value as InstanceHealth
  throw new Error('its health is none that is known')
}
