import { isRecord, toFound } from '../error/given-value.ts'
import { ConfigError, type SetupProblem } from '../error/setup-error.ts'
import { optionCheck } from '../error/option-check.ts'
import { Newest } from './newest.ts'
import type { Discovery, Endpoint, Instance, WatchOptions } from './registry.ts'
import { toSnapshot } from './to-snapshot.ts'

/** What a service is found at: an address such as `grpc://10.0.0.7:50051` each, or all that is to be known of an instance. */
export type StaticServices = Readonly<Record<string, readonly (Instance | string)[]>>

/**
 * Finds what it was told in the beginning, which never changes: for a few services at fixed addresses, and for tests. A name that it was
 * not told has nobody. An address is the id of its instance.
 *
 * @throws ConfigError `config.malformed`, which names each entry that is wrong.
 */
export function staticRegistry(services: StaticServices): Discovery {
  const problems = problemsOf(services)
  if (problems.length > 0) throw new ConfigError(problems)
  const lists = new Map(
    Object.entries(services).map(([name, entries]) => [
      name,
      toSnapshot(entries.map((entry) => toInstance(name, entry))),
    ]),
  )
  return Object.freeze({
    name: 'static',
    async *watch(name: string, { signal }: WatchOptions) {
      const only = new Newest<readonly Instance[]>()
      only.put(lists.get(name) ?? nobody)
      yield* only.read(signal)
    },
  })
}

const nobody: readonly Instance[] = Object.freeze([])

const check = optionCheck('staticRegistry')

function problemsOf(services: unknown): readonly SetupProblem[] {
  if (!isRecord(services))
    return [check.malformed(`expected lists by the names of services, found ${toFound(services)}`)]
  return Object.entries(services).flatMap(([name, entries]) => {
    if (!Array.isArray(entries)) return [check.malformed(`${name} must be a list, found ${toFound(entries)}`)]
    return [...entries.flatMap((entry, at) => entryProblems({ name, at, entry })), ...doubles(name, entries)]
  })
}

interface Entry {
  readonly name: string
  readonly at: number
  readonly entry: unknown
}

function entryProblems({ name, at, entry }: Entry): readonly SetupProblem[] {
  const where = `${name}[${at}]`
  if (typeof entry === 'string')
    return toEndpoint(entry) ? [] : [check.malformed(`${where} must be ${form}, found ${hidden(entry)}`)]
  if (!isRecord(entry)) return [check.malformed(`${where} must be ${form}, or an instance, found ${toFound(entry)}`)]
  const { id, name: of, endpoints, weight, health } = entry
  return [
    ...(typeof id === 'string' && id !== ''
      ? []
      : [check.malformed(`${where}.id must be a text, found ${toFound(id)}`)]),
    ...(of === name
      ? []
      : [check.malformed(`${where}.name must be "${name}", as it is found by, found ${toFound(of)}`)]),
    ...(Array.isArray(endpoints) && endpoints.length > 0 && endpoints.every(isEndpoint)
      ? []
      : [
          check.malformed(`${where}.endpoints must be a list of { protocol, host, port }, found ${toFound(endpoints)}`),
        ]),
    ...check.integer(`${where}.weight`, weight, { min: 0, max: 1_000 }),
    ...(health === undefined ? [] : check.choice(`${where}.health`, health, ['serving', 'draining', 'not_serving'])),
  ]
}

const form = 'an address with protocol, host and port, such as grpc://10.0.0.7:50051'

function doubles(name: string, entries: readonly unknown[]): readonly SetupProblem[] {
  // `grpc://a:1` and `grpc://a:1/` are one.
  const ids = entries.map((entry) => (isRecord(entry) ? entry['id'] : String(entry).replace(/\/$/, '').toLowerCase()))
  const repeated = new Set(ids.filter((id, at) => typeof id === 'string' && ids.indexOf(id) !== at))
  return [...repeated].map((id) => check.malformed(`${name} has ${hidden(String(id))} more than once`))
}

/** What is no address may be one with a password. */
function hidden(text: string): string {
  return toFound(text.replace(/\/\/[^/]*@/, '//***@'))
}

function isEndpoint(value: unknown): value is Endpoint {
  if (!isRecord(value)) return false
  const { protocol, host, port } = value
  return (
    typeof protocol === 'string' &&
    protocol !== '' &&
    typeof host === 'string' &&
    /^[^\s/]+$/.test(host) &&
    isPort(port)
  )
}

function toInstance(name: string, entry: Instance | string): Instance {
  if (typeof entry !== 'string') return Object.freeze({ ...entry })
  const endpoint = toEndpoint(entry)
  return Object.freeze({ id: entry, name, version: '', endpoints: Object.freeze(endpoint ? [endpoint] : []) })
}

/** Not by `URL`, which knows the default ports of some protocols, and not the hosts of others. */
function toEndpoint(text: string): Endpoint | undefined {
  const match = /^([a-z][a-z\d+.-]*):\/\/(\[[\da-f:.%]+\]|[^,/\s:@[\]]+):(\d{1,5})\/?$/i.exec(text)
  if (match === null) return undefined
  const [, protocol = '', host = '', port] = match
  if (!isPort(Number(port))) return undefined
  return Object.freeze({ protocol: protocol.toLowerCase(), host: host.replace(/^\[|\]$/g, ''), port: Number(port) })
}

function isPort(port: unknown): boolean {
  return typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535
}
