import { isIP } from 'node:net'
import { isRecord, type OptionCheck, type SetupProblem, toFound } from '@tenon/core/transport'
import { type AgentTlsOptions, checkAgentTls, tlsFromEnvironment } from './agent-tls.ts'

/** How an agent of Consul is reached, and what is asked of it in every request. */
export interface AgentOptions {
  /**
   * The agent: `host:port`, `http://host:port` or `https://host:port`. For a registry it is the agent of this machine, or one that
   * stays the same: it keeps the instances that are announced to it, another one behind the same balancer does not know them.
   *
   * @defaultValue `CONSUL_HTTP_ADDR`, else `127.0.0.1:8500`; https where the option `tls` is given or `CONSUL_HTTP_SSL` is true
   * @throws ConfigError `config.malformed`
   */
  readonly address?: string
  /** Sent as `X-Consul-Token`. @defaultValue `CONSUL_HTTP_TOKEN`, else none @throws ConfigError `config.malformed` */
  readonly token?: string | { reveal(): string }
  /** Where instances and keys are looked up. Instances are announced in the agent's own. @defaultValue the agent's own */
  readonly datacenter?: string
  /** Of Consul Enterprise. @defaultValue `CONSUL_NAMESPACE`, else that of the token */
  readonly namespace?: string
  /** Of Consul Enterprise. @defaultValue `CONSUL_PARTITION`, else that of the agent */
  readonly partition?: string
  /**
   * Speaks TLS; `{}` for what the platform trusts. Files are read again after a connection that failed.
   *
   * @defaultValue from `CONSUL_CACERT`, `CONSUL_CLIENT_CERT`, `CONSUL_CLIENT_KEY` and `CONSUL_TLS_SERVER_NAME` where https is spoken
   */
  readonly tls?: AgentTlsOptions
  /**
   * Who may answer what is read: `stale` any server that knows of a leader, which lags by milliseconds; `default` the leader alone.
   *
   * @defaultValue `stale`
   * @see Consul API, Consistency Modes
   */
  readonly consistency?: 'default' | 'stale'
  /** Lets the agent answer lists of instances from its cache, which it keeps fresh. @defaultValue false @see Consul API, Agent Caching */
  readonly cached?: boolean
  /**
   * How long the agent holds back its answer while nothing changes. A connection on which nothing arrives any more is noticed
   * within this, a sixteenth of it, and `requestTimeoutMs`: 8.3 s.
   *
   * @defaultValue 5_000
   * @remarks Range 100–300_000 ms. Every watch costs one small message so often.
   */
  readonly waitMs?: number
  /**
   * How long an answer may take that is not held back, and connecting. In a registry with the check `ttl` at most a third of `ttlMs`, so
   * that a renewal whose answer is lost is followed by another in time.
   *
   * @defaultValue 3_000; in such a registry a third of `ttlMs` where that is less
   * @remarks Range 100–60_000 ms. The default is a guess.
   * @throws ConfigError `config.out_of_range`
   */
  readonly requestTimeoutMs?: number
  /** Longest answer that is read. @defaultValue 67_108_864 @remarks Range 1_024–1_073_741_824. A list of 1,000 instances takes 1.3 MB. */
  readonly maxResponseBytes?: number
}

/** What is used where an option is left out. */
export const agentDefaults = Object.freeze({
  consistency: 'stale',
  cached: false,
  waitMs: 5_000,
  requestTimeoutMs: 3_000,
  maxResponseBytes: 67_108_864,
} satisfies AgentOptions)

export interface AgentSettings extends Required<Omit<AgentOptions, 'address' | 'token' | 'tls' | ScopeName>> {
  /** `http://127.0.0.1:8500` */
  readonly origin: string
  readonly token: string | undefined
  readonly tls: AgentTlsOptions | undefined
  /** Query parameters of every request. */
  readonly scope: Readonly<Partial<Record<'ns' | 'partition', string>>>
  readonly datacenter: string | undefined
}

type ScopeName = 'datacenter' | 'namespace' | 'partition'

/** As of `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

export const agentOptionNames: readonly (keyof AgentOptions)[] = [
  'address',
  'token',
  'datacenter',
  'namespace',
  'partition',
  'tls',
  'consistency',
  'cached',
  'waitMs',
  'requestTimeoutMs',
  'maxResponseBytes',
]

/** The settings, or what is wrong with the options. A variable is read only where its option is left out. */
export function resolveAgent(
  options: AgentOptions,
  check: OptionCheck,
  environment: Environment,
): { readonly settings: AgentSettings; readonly problems: readonly SetupProblem[] } {
  const variable = (name: string) => environment[name] || undefined
  const isSecure = isTrue(variable('CONSUL_HTTP_SSL'))
  const address: unknown = options.address ?? variable('CONSUL_HTTP_ADDR') ?? '127.0.0.1:8500'
  const wantsTls = options.tls !== undefined || (options.address === undefined && isSecure)
  const origin = toOrigin(address, wantsTls)
  const token: unknown = options.token ?? variable('CONSUL_HTTP_TOKEN')
  const namespace = options.namespace ?? variable('CONSUL_NAMESPACE')
  const partition = options.partition ?? variable('CONSUL_PARTITION')
  const tls = options.tls ?? (origin?.startsWith('https:') ? tlsFromEnvironment(environment) : undefined)
  const settings: AgentSettings = Object.freeze({
    origin: origin ?? '',
    token: revealed(token),
    tls: isRecord(tls) ? Object.freeze({ ...tls }) : undefined,
    scope: Object.freeze({ ...(namespace && { ns: namespace }), ...(partition && { partition }) }),
    datacenter: options.datacenter,
    consistency: options.consistency ?? agentDefaults.consistency,
    cached: options.cached ?? agentDefaults.cached,
    waitMs: options.waitMs ?? agentDefaults.waitMs,
    requestTimeoutMs: options.requestTimeoutMs ?? agentDefaults.requestTimeoutMs,
    maxResponseBytes: options.maxResponseBytes ?? agentDefaults.maxResponseBytes,
  })
  const problems = [
    ...(origin === undefined ? [check.malformed(badAddress(options.address))] : []),
    ...(options.tls !== undefined && origin?.startsWith('http:')
      ? [check.malformed('tls is given, but address begins with http://: write https://')]
      : []),
    ...(token === undefined || isToken(settings.token)
      ? []
      : [check.malformed('token must be a text or a Secret that is not empty, without blanks')]),
    ...scopeNames.flatMap((name) => checkName(name, options[name], check)),
    ...checkAgentTls(tls, check),
    ...check.choice('consistency', settings.consistency, ['default', 'stale']),
    ...check.boolean('cached', options.cached),
    ...check.integer('waitMs', options.waitMs, { min: 100, max: 300_000 }),
    ...check.integer('requestTimeoutMs', options.requestTimeoutMs, { min: 100, max: 60_000 }),
    ...check.integer('maxResponseBytes', options.maxResponseBytes, { min: 1_024, max: 1_073_741_824 }),
  ]
  return { settings, problems }
}

const scopeNames: readonly ScopeName[] = ['datacenter', 'namespace', 'partition']

function toOrigin(address: unknown, isSecure: boolean): string | undefined {
  if (typeof address !== 'string') return undefined
  const text = /^https?:\/\//i.test(address) ? address : `${isSecure ? 'https' : 'http'}://${address}`
  if (!URL.canParse(text)) return undefined
  const { origin, hostname, pathname, search, hash, username, password } = new URL(text)
  const isBare = pathname === '/' && [search, hash, username, password].every((part) => part === '')
  const isHost = hostname !== '' && (isIP(hostname) !== 0 || !/[^\w.:[\]-]/.test(hostname))
  // A name without a port is a slip: `localhost` would be asked at port 80.
  const hasPort = /:\d+\/?$/.test(address) || /^https?:/i.test(address)
  return isBare && isHost && hasPort ? origin : undefined
}

/** An address that is refused may hold a password, so it is not quoted. */
function badAddress(given: unknown): string {
  const source = given === undefined ? 'CONSUL_HTTP_ADDR' : 'address'
  const found = given === undefined || typeof given === 'string' ? '' : `, found ${toFound(given)}`
  return `${source} must be host:port, http://host:port or https://host:port, without a user, a path and a query${found}`
}

function revealed(token: unknown): string | undefined {
  if (typeof token === 'string') return token
  const reveal: unknown = isRecord(token) ? Reflect.get(token, 'reveal') : undefined
  const text: unknown = typeof reveal === 'function' ? Reflect.apply(reveal, token, []) : undefined
  return typeof text === 'string' ? text : undefined
}

/** What can stand in a header. */
function isToken(text: string | undefined): boolean {
  return text !== undefined && /^[\x21-\x7e]+$/.test(text)
}

function checkName(name: string, value: unknown, check: OptionCheck): readonly SetupProblem[] {
  if (value === undefined || (typeof value === 'string' && /^[\w-]+$/.test(value))) return []
  return [check.malformed(`${name} must be a name of letters, digits, - and _, found ${toFound(value)}`)]
}

/** @see Go, strconv.ParseBool: as Consul's own command reads it */
function isTrue(text: string | undefined): boolean {
  return ['1', 't', 'true'].includes(text?.toLowerCase() ?? '')
}
