import { ConfigError, type OptionCheck, optionCheck, type SetupProblem } from '@tenon/core/registry'
import { givenOnly, isRecord, toFound } from '@tenon/core/transport'
import { checkEtcdTls, type EtcdTlsOptions } from './etcd-tls.ts'

/** Where etcd is, and who comes to it. */
export interface EtcdOptions {
  /**
   * Members of one cluster, each as `host:port` or as a URL such as `https://etcd-0:2379`. One of them is used at a time, and the next
   * one when it fails.
   *
   * @throws ConfigError `config.missing`, `config.malformed`
   */
  readonly endpoints: readonly string[]
  /** The user that etcd knows, where its authentication is enabled. Needs `password`. @throws ConfigError `config.malformed` */
  readonly user?: string
  /** The password of `user`: a text, or something that reveals it, such as a `Secret`. @throws ConfigError `config.malformed` */
  readonly password?: string | { reveal(): string }
  /** Speaks TLS; `{}` for what the platform trusts. @defaultValue none: plain text, but for endpoints that begin with `https://` */
  readonly tls?: EtcdTlsOptions
  /**
   * How long one member may take to answer, connecting included, before the next one is asked.
   *
   * @defaultValue 5_000; of `etcdRegistry` a third of `ttlMs` where that is less
   * @remarks Range 100–60_000 ms; of `etcdRegistry` at most a third of `ttlMs`, so that another member can renew an instance before its time is
   * over. The default is a guess.
   * @throws ConfigError `config.out_of_range`
   */
  readonly requestTimeoutMs?: number
  /**
   * How long nothing may arrive on a watch before it is begun anew. A sign of life is asked for every third of it.
   *
   * @defaultValue 8_000
   * @remarks Range 100–600_000 ms. The default is a guess: a connection that is half open is noticed within 10 s.
   * @throws ConfigError `config.out_of_range`
   */
  readonly watchTimeoutMs?: number
}

export interface EtcdRegistryOptions extends EtcdOptions {
  /**
   * What the keys of instances begin with: the key is `<prefix>/<name>/<id>`.
   *
   * @defaultValue '/tenon/services'
   * @throws ConfigError `config.malformed`
   */
  readonly prefix?: string
  /**
   * How long an instance is shown that is renewed no more, because its process is dead or cut off. It is renewed every third of it. Rounded up to
   * whole seconds, which leases of etcd have.
   *
   * @defaultValue 15_000
   * @remarks Range 3_000–3_600_000 ms; by default etcd grants no less than 2 s.
   * @throws ConfigError `config.out_of_range`
   * @see etcd, server/lease/lessor.go: the least is one and a half election timeouts
   */
  readonly ttlMs?: number
}

export interface EtcdSourceOptions extends EtcdOptions {
  /**
   * What the keys of the settings begin with, such as `/config/user`. A slash at its end is added where there is none, and what follows that in a key
   * is the name of a variable: `/config/user/LOG_LEVEL`.
   *
   * @throws ConfigError `config.missing`, `config.malformed`
   */
  readonly prefix: string
}

/** What is used where an option is left out. */
export const etcdDefaults = Object.freeze({
  requestTimeoutMs: 5_000,
  watchTimeoutMs: 8_000,
} satisfies Partial<EtcdOptions>)

/** What `etcdRegistry` uses where an option is left out; of `requestTimeoutMs` no more than a third of `ttlMs`. */
export const etcdRegistryDefaults = Object.freeze({
  ...etcdDefaults,
  prefix: '/tenon/services',
  ttlMs: 15_000,
} satisfies Partial<EtcdRegistryOptions>)

export interface EtcdSettings extends Required<Pick<EtcdOptions, 'requestTimeoutMs' | 'watchTimeoutMs'>> {
  readonly endpoints: readonly EtcdEndpoint[]
  readonly user: { readonly name: string; readonly password: () => string } | undefined
  readonly tls: EtcdTlsOptions
}

/** One member. */
export interface EtcdEndpoint {
  /** `host:port`, that of IPv6 in brackets. */
  readonly address: string
  readonly isSecure: boolean
}

export interface EtcdRegistrySettings extends EtcdSettings, Required<Pick<EtcdRegistryOptions, 'prefix' | 'ttlMs'>> {}

export interface EtcdSourceSettings extends EtcdSettings, Pick<EtcdSourceOptions, 'prefix'> {}

/** @throws ConfigError `config.missing`, `config.malformed`, `config.out_of_range`; all problems at once. */
export function resolveEtcdRegistry(options: EtcdRegistryOptions): EtcdRegistrySettings {
  const check = optionCheck('etcdRegistry')
  requireObject(options, check)
  const { prefix, ttlMs } = { ...etcdRegistryDefaults, ...givenOnly(options) }
  throwAll([
    ...check.names(options, [...connectionNames, 'prefix', 'ttlMs']),
    ...checkConnection(options, check),
    ...checkPrefix(prefix, check),
    ...(typeof prefix === 'string' && prefix.endsWith('/')
      ? [check.malformed(`prefix must not end with /, which is added, found ${toFound(prefix)}`)]
      : []),
    ...checkTimes(options.requestTimeoutMs, ttlMs, check),
  ])
  const requestTimeoutMs = options.requestTimeoutMs ?? Math.min(etcdDefaults.requestTimeoutMs, longestRequestMs(ttlMs))
  return Object.freeze({ ...toSettings(options), requestTimeoutMs, prefix, ttlMs })
}

/** @throws ConfigError `config.missing`, `config.malformed`, `config.out_of_range`; all problems at once. */
export function resolveEtcdSource(options: EtcdSourceOptions): EtcdSourceSettings {
  const check = optionCheck('etcdSource')
  requireObject(options, check)
  throwAll([
    ...check.names(options, [...connectionNames, 'prefix']),
    ...checkConnection(options, check),
    ...checkPrefix(options.prefix, check),
  ])
  return Object.freeze({ ...toSettings(options), prefix: options.prefix.replace(/\/*$/, '/') })
}

const connectionNames = Object.keys({
  endpoints: true,
  user: true,
  password: true,
  tls: true,
  requestTimeoutMs: true,
  watchTimeoutMs: true,
} satisfies Record<keyof EtcdOptions, true>)

function requireObject(options: unknown, check: OptionCheck): void {
  if (isRecord(options)) return
  throw new ConfigError([check.malformed(`the options must be an object with endpoints, found ${toFound(options)}`)])
}

function throwAll(problems: readonly SetupProblem[]): void {
  if (problems.length > 0) throw new ConfigError(problems)
}

function checkConnection(options: EtcdOptions, check: OptionCheck): readonly SetupProblem[] {
  const { endpoints, tls, requestTimeoutMs, watchTimeoutMs } = options
  return [
    ...checkEndpoints(endpoints, tls !== undefined, check),
    ...checkUser(options, check),
    ...checkEtcdTls(tls, check),
    ...check.integer('requestTimeoutMs', requestTimeoutMs, { min: 100, max: 60_000 }),
    ...check.integer('watchTimeoutMs', watchTimeoutMs, { min: 100, max: 600_000 }),
  ]
}

function checkEndpoints(endpoints: unknown, hasTls: boolean, check: OptionCheck): readonly SetupProblem[] {
  if (!Array.isArray(endpoints) || endpoints.length === 0) {
    const expected = 'expected at least one host:port or URL, such as http://127.0.0.1:2379'
    return [{ code: 'config.missing', message: check.malformed(`endpoints is empty, ${expected}`).message }]
  }
  return endpoints.flatMap((endpoint: unknown, index) => {
    const form = typeof endpoint === 'string' ? formOf(endpoint) : undefined
    // It is not quoted: a URL that is wrong may hold a password.
    if (form === undefined)
      return [check.malformed(`endpoints[${index}] must be host:port, http://host:port or https://host:port`)]
    if (form.scheme === 'http' && hasTls)
      return [check.malformed(`endpoints[${index}] says http, but tls is given: write https, or leave out tls`)]
    return []
  })
}

function checkUser({ user, password }: EtcdOptions, check: OptionCheck): readonly SetupProblem[] {
  if (user === undefined && password === undefined) return []
  const isName = typeof user === 'string' && user !== ''
  const revealed: unknown = reveal(password)
  const isPassword = typeof revealed === 'string' && revealed !== ''
  return [
    ...(isName
      ? []
      : [check.malformed(`user must be a text that is not empty beside password, found ${toFound(user)}`)]),
    ...(isPassword ? [] : [check.malformed('password must be a text or a Secret that is not empty beside user')]),
  ]
}

function checkPrefix(prefix: unknown, check: OptionCheck): readonly SetupProblem[] {
  if (typeof prefix === 'string' && prefix !== '' && prefix.isWellFormed()) return []
  return [check.malformed(`prefix must be a text that is not empty, such as /config/user/, found ${toFound(prefix)}`)]
}

/** An instance is renewed every third of its time: when one member hangs for another third, the next one is in time. */
function longestRequestMs(ttlMs: number): number {
  return Math.floor(ttlMs / 3)
}

function checkTimes(requestTimeoutMs: unknown, ttlMs: number, check: OptionCheck): readonly SetupProblem[] {
  const problems = check.integer('ttlMs', ttlMs, { min: 3_000, max: 3_600_000 })
  if (problems.length > 0 || typeof requestTimeoutMs !== 'number') return problems
  const longestMs = longestRequestMs(ttlMs)
  if (requestTimeoutMs <= longestMs) return []
  const found = `found ${requestTimeoutMs} beside ttlMs ${ttlMs}`
  return [check.outOfRange(`requestTimeoutMs must be at most a third of ttlMs, ${longestMs}, ${found}`)]
}

function toSettings({ endpoints, user, password, tls, ...others }: EtcdOptions): EtcdSettings {
  const { requestTimeoutMs, watchTimeoutMs } = { ...etcdDefaults, ...givenOnly(others) }
  return {
    endpoints: Object.freeze(endpoints.map((endpoint) => toEndpoint(endpoint, tls !== undefined))),
    user: user === undefined ? undefined : { name: user, password: () => String(reveal(password)) },
    tls: Object.freeze({ ...tls }),
    requestTimeoutMs,
    watchTimeoutMs,
  }
}

function toEndpoint(endpoint: string, hasTls: boolean): EtcdEndpoint {
  const { scheme, address } = formOf(endpoint) ?? { address: endpoint }
  return Object.freeze({ address, isSecure: hasTls || scheme === 'https' })
}

function formOf(endpoint: string): { readonly scheme?: string | undefined; readonly address: string } | undefined {
  const form = /^(?:(https?):\/\/)?((?:\[[\da-f:.]+\]|[^\s,/:@[\]?#]+):(\d{1,5}))\/?$/i.exec(endpoint)
  const [, scheme, address, port] = form ?? []
  if (address === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined
  return { scheme: scheme?.toLowerCase(), address }
}

function reveal(value: unknown): unknown {
  const asked: unknown = isRecord(value) ? Reflect.get(value, 'reveal') : undefined
  return typeof asked === 'function' ? Reflect.apply(asked, value, []) : value
}
