import { Resolver } from 'node:dns/promises'
import { givenOnly, isRecord, toFound } from '../../error/given-value.ts'
import { ConfigError, type SetupProblem } from '../../error/setup-error.ts'
import { optionCheck } from '../../error/option-check.ts'

export interface DnsRegistryOptions {
  /** What is spoken at the addresses that are found. @defaultValue `grpc` */
  readonly protocol?: string
  /**
   * Where it is spoken: addresses (A, AAAA) are asked for then. Without a port, DNS has to tell it: `_grpc._tcp.` and the name are asked
   * for (SRV), where `grpc` is the protocol.
   *
   * @remarks 1–65_535
   */
  readonly port?: number
  /** Put behind the name of a service, with a dot: `shop.svc.cluster.local`. @defaultValue nothing: names are asked for as they are */
  readonly domain?: string
  /** What is otherwise for some services, by their names. */
  readonly services?: Readonly<Record<string, DnsService>>
  /** Which addresses are asked for, each with a question of its own. @defaultValue `both` */
  readonly addressFamily?: 'both' | 'ipv4' | 'ipv6'
  /** The servers that are asked, as `10.0.0.10`, `10.0.0.10:5353` or `[2001:db8::1]:53`. @defaultValue those of the system */
  readonly servers?: readonly string[]
  /** How long an answer is used at the least, however short its time to live is. @defaultValue 500 @remarks 10–3_600_000 */
  readonly minTtlMs?: number
  /**
   * How long an answer is used at the most, however long its time to live is: what is new is seen within this time.
   *
   * @defaultValue 1_000
   * @remarks 10–3_600_000, and not below `minTtlMs`
   */
  readonly maxTtlMs?: number
  /** How long a server has for an answer. It is asked twice, the second time for up to twice as long. @defaultValue 2_000 @remarks 10–60_000 */
  readonly timeoutMs?: number
}

/** Where one service is found, where that differs. */
export interface DnsService {
  /**
   * The whole name that is asked for. One that begins with `_` is asked for its ports and hosts (SRV), also where there is a `port`.
   *
   * @defaultValue the service's name, with `domain` behind it
   */
  readonly host?: string
  readonly port?: number
  readonly protocol?: string
}

export const dnsRegistryDefaults = Object.freeze({
  protocol: 'grpc',
  addressFamily: 'both',
  minTtlMs: 500,
  maxTtlMs: 1_000,
  timeoutMs: 2_000,
} satisfies DnsRegistryOptions)

export type DnsSettings = Pick<DnsRegistryOptions, 'domain' | 'port' | 'servers'> &
  Required<Omit<DnsRegistryOptions, 'domain' | 'port' | 'servers'>>

/** @throws ConfigError `config.malformed`, `config.out_of_range` with all that is wrong. */
export function resolveDns(options: DnsRegistryOptions): DnsSettings {
  const problems = problemsOf(options)
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze({ ...dnsRegistryDefaults, services: {}, ...givenOnly(options) })
}

const check = optionCheck('dnsRegistry')
const names = [
  'protocol',
  'port',
  'domain',
  'services',
  'addressFamily',
  'servers',
  'minTtlMs',
  'maxTtlMs',
  'timeoutMs',
]
const ttlRange = { min: 10, max: 3_600_000 }

function problemsOf(options: DnsRegistryOptions): readonly SetupProblem[] {
  const { services = {}, servers, addressFamily = 'both', ...rest } = options
  const { minTtlMs = dnsRegistryDefaults.minTtlMs, maxTtlMs = dnsRegistryDefaults.maxTtlMs } = rest
  const ttls = [
    ...check.integer('minTtlMs', rest.minTtlMs, ttlRange),
    ...check.integer('maxTtlMs', rest.maxTtlMs, ttlRange),
  ]
  const order =
    ttls.length === 0 && maxTtlMs < minTtlMs
      ? [check.outOfRange(`maxTtlMs must not be below minTtlMs, which is ${minTtlMs}, found ${maxTtlMs}`)]
      : []
  return [
    ...check.names(options, names),
    ...placeProblems('', rest),
    ...textProblems('domain', rest.domain, isName),
    ...Object.entries(services).flatMap(([name, service]) => serviceProblems(`services.${name}`, service)),
    ...check.choice('addressFamily', addressFamily, ['both', 'ipv4', 'ipv6']),
    ...serverProblems(servers),
    ...ttls,
    ...order,
    ...check.integer('timeoutMs', rest.timeoutMs, { min: 10, max: 60_000 }),
  ]
}

function serviceProblems(where: string, service: unknown): readonly SetupProblem[] {
  if (!isRecord(service))
    return [check.malformed(`${where} must be { host, port, protocol }, found ${toFound(service)}`)]
  return [
    ...check.names(service, ['host', 'port', 'protocol'], where),
    ...placeProblems(`${where}.`, service),
    ...textProblems(`${where}.host`, service['host'], isName),
  ]
}

function placeProblems(
  where: string,
  { port, protocol }: { readonly port?: unknown; readonly protocol?: unknown },
): readonly SetupProblem[] {
  return [
    ...check.integer(`${where}port`, port, { min: 1, max: 65_535 }),
    ...textProblems(`${where}protocol`, protocol, (text) => /^[a-z][a-z\d-]*$/.test(text)),
  ]
}

function textProblems(name: string, value: unknown, isRight: (text: string) => boolean): readonly SetupProblem[] {
  if (value === undefined || (typeof value === 'string' && isRight(value))) return []
  const expected = name.endsWith('protocol')
    ? 'letters such as grpc or http'
    : 'a name such as user.shop.svc.cluster.local'
  return [check.malformed(`${name} must be ${expected}, found ${toFound(value)}`)]
}

/** @see RFC 1035, 2.3.4: 63 octets a label, 255 in all. */
function isName(text: string): boolean {
  return text.length <= 253 && /^[\w-]{1,63}(\.[\w-]{1,63})*\.?$/.test(text)
}

function serverProblems(servers: readonly string[] | undefined): readonly SetupProblem[] {
  if (servers === undefined) return []
  try {
    if (servers.length === 0) throw new TypeError('it is empty')
    new Resolver().setServers(servers)
    return []
  } catch {
    const found = Array.isArray(servers) ? servers.map(toFound).join(', ') : toFound(servers)
    const expected = 'a list of addresses such as 10.0.0.10 or 10.0.0.10:5353, not of names'
    return [check.malformed(`servers must be ${expected}, found ${found || 'an empty one'}`)]
  }
}
