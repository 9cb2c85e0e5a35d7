import { checkNames, ConfigError, isRecord, type SetupProblem, toFound } from '@tenon/core/transport'
import { checkBoolean, isObject, toMalformed } from '../option-form.ts'

/** What a client needs to speak TLS, and to be known by it. */
export interface HttpClientTlsOptions {
  /** Certificates of the authorities that are trusted instead of the well-known ones, as PEM. @throws ConfigError `config.malformed` */
  readonly ca?: string | readonly string[]
  /** The client's own certificate as PEM, for servers that ask for one. Needs `key`. @throws ConfigError `config.malformed` */
  readonly cert?: string
  /** The private key of `cert` as PEM. @throws ConfigError `config.malformed` */
  readonly key?: string
  /**
   * The name that the server's certificate must be for.
   *
   * @defaultValue the host of the address
   * @throws ConfigError `config.malformed`
   */
  readonly serverName?: string
}

export interface HttpClientOptions {
  /**
   * Most connections that are open to one address at a time; further calls wait for one within their deadline. Over HTTP/1.1 a
   * stream has a connection to itself for as long as it lasts.
   *
   * @defaultValue 128
   * @remarks Range 1–65_535. The default is a guess.
   * @throws ConfigError `config.out_of_range`
   */
  readonly connectionsPerAddress?: number
  /**
   * How long a connection that no call uses is kept where the server does not say how long it keeps it. What the server says
   * (`Keep-Alive: timeout`) counts instead, less 2 s, and at most 10 minutes.
   *
   * @defaultValue 4_000
   * @remarks Range 1–600_000 ms. Must be shorter than servers and balancers on the way keep idle connections: 5 s is common.
   * @throws ConfigError `config.out_of_range`
   * @see undici, keepAliveTimeout, keepAliveTimeoutThreshold and keepAliveMaxTimeout
   */
  readonly keepAliveTimeoutMs?: number
  /**
   * Longest time a connection may take to open, TLS included; the call is `unavailable` then, unless its deadline came before.
   *
   * @defaultValue 10_000
   * @remarks Range 1–600_000 ms
   * @throws ConfigError `config.out_of_range`
   * @see undici, connectTimeout: the same
   */
  readonly connectTimeoutMs?: number
  /**
   * Longest reply that is read whole, and longest record of a stream; a longer one fails the call as `internal` with reason
   * `reply_too_large`.
   *
   * @defaultValue 67_108_864
   * @remarks Range 1–1_073_741_824. The default is a guess.
   * @throws ConfigError `config.out_of_range`
   */
  readonly maxResponseBytes?: number
  /** Speaks https; `{}` for what the platform trusts. @defaultValue none: plain http */
  readonly tls?: HttpClientTlsOptions
  /**
   * Lets the server choose HTTP/2 when TLS is agreed on (ALPN), where calls share a connection. Needs `tls`. Input streams go over
   * HTTP/1.1 all the same: over HTTP/2 a server could take one that was broken off for complete.
   *
   * @defaultValue false
   * @throws ConfigError `config.malformed`
   */
  readonly http2?: boolean
  /**
   * The proxy that calls go through: `http://user:password@proxy:3128`. https is tunnelled, http is forwarded. The environment
   * (`HTTP_PROXY`) is not looked at.
   *
   * @defaultValue none
   * @throws ConfigError `config.malformed`
   */
  readonly proxy?: string
}

/** What is used where an option is left out. */
export const httpClientDefaults = Object.freeze({
  connectionsPerAddress: 128,
  keepAliveTimeoutMs: 4_000,
  connectTimeoutMs: 10_000,
  maxResponseBytes: 67_108_864,
  http2: false,
} satisfies HttpClientOptions)

export interface HttpClientSettings extends Required<Omit<HttpClientOptions, 'tls' | 'proxy'>> {
  readonly tls: HttpClientTlsOptions | undefined
  readonly proxy: string | undefined
}

/** @throws ConfigError `config.out_of_range`, `config.malformed`; all problems at once. */
export function resolveHttpClientOptions(options: HttpClientOptions): HttpClientSettings {
  if (!isObject(options)) throw new ConfigError([malformed(`the options must be an object, found ${toFound(options)}`)])
  const settings: HttpClientSettings = Object.freeze({
    connectionsPerAddress: options.connectionsPerAddress ?? httpClientDefaults.connectionsPerAddress,
    keepAliveTimeoutMs: options.keepAliveTimeoutMs ?? httpClientDefaults.keepAliveTimeoutMs,
    connectTimeoutMs: options.connectTimeoutMs ?? httpClientDefaults.connectTimeoutMs,
    maxResponseBytes: options.maxResponseBytes ?? httpClientDefaults.maxResponseBytes,
    http2: options.http2 ?? httpClientDefaults.http2,
    tls: options.tls && isObject(options.tls) ? Object.freeze({ ...options.tls }) : undefined,
    proxy: options.proxy,
  })
  const problems = [
    ...checkForms(options),
    ...checkRange('connectionsPerAddress', settings.connectionsPerAddress, 65_535),
    ...checkRange('keepAliveTimeoutMs', settings.keepAliveTimeoutMs, 600_000),
    ...checkRange('connectTimeoutMs', settings.connectTimeoutMs, 600_000),
    ...checkRange('maxResponseBytes', settings.maxResponseBytes, 1_073_741_824),
    ...checkTls(settings),
    ...checkProxy(settings.proxy),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return settings
}

const tlsNames: Readonly<Record<keyof HttpClientTlsOptions, true>> = {
  ca: true,
  cert: true,
  key: true,
  serverName: true,
}

const names: Readonly<Record<keyof HttpClientOptions, true>> = {
  connectionsPerAddress: true,
  keepAliveTimeoutMs: true,
  connectTimeoutMs: true,
  maxResponseBytes: true,
  tls: true,
  http2: true,
  proxy: true,
}

function checkForms(options: HttpClientOptions): readonly SetupProblem[] {
  const { tls, http2 }: { readonly tls?: unknown; readonly http2?: unknown } = options
  return [
    ...checkNames('httpClient', options, Object.keys(names)),
    ...checkBoolean('httpClient', 'http2', http2),
    ...(isRecord(tls) ? checkNames('httpClient: tls', tls, Object.keys(tlsNames)) : []),
    ...(tls === undefined || isRecord(tls) ? [] : [malformed(`tls must be an object, found ${toFound(tls)}`)]),
  ]
}

function checkRange(name: string, value: number, max: number): readonly SetupProblem[] {
  if (Number.isInteger(value) && value >= 1 && value <= max) return []
  const message = `httpClient: ${name} must be a whole number from 1 to ${max}, found ${String(value)}`
  return [{ code: 'config.out_of_range', message }]
}

function checkTls({ tls, http2 }: HttpClientSettings): readonly SetupProblem[] {
  if (tls === undefined) return http2 ? [malformed('http2 needs tls: HTTP/2 is agreed on while TLS is set up')] : []
  const { ca = [], cert, key, serverName } = tls
  const isLacking = (cert === undefined) !== (key === undefined)
  return [
    ...(isLacking ? [malformed(`tls.cert and tls.key belong together, found only ${cert ? 'cert' : 'key'}`)] : []),
    ...[ca].flat().flatMap((text) => checkPem('tls.ca', text, 'CERTIFICATE')),
    ...(cert === undefined ? [] : checkPem('tls.cert', cert, 'CERTIFICATE')),
    ...(key === undefined ? [] : checkPem('tls.key', key, 'PRIVATE KEY')),
    ...(serverName === undefined || /^[^\s/:]+$/.test(serverName)
      ? []
      : [malformed(`tls.serverName must be a host name, found ${JSON.stringify(serverName)}`)]),
  ]
}

/** Never quotes what it found: it may be a key. */
function checkPem(name: string, text: string, label: string): readonly SetupProblem[] {
  const form = new RegExp(`-----BEGIN (?:[A-Z0-9]+ )*${label}-----`)
  return form.test(text) ? [] : [malformed(`${name} must be PEM text with a ${label}`)]
}

function checkProxy(proxy: string | undefined): readonly SetupProblem[] {
  if (proxy === undefined) return []
  // The address is not quoted: it may hold a password.
  if (!URL.canParse(proxy)) return [malformed('proxy must be an address such as http://proxy:3128')]
  const { protocol, pathname, search } = new URL(proxy)
  if (['http:', 'https:'].includes(protocol) && pathname === '/' && search === '') return []
  return [malformed('proxy must be an http or https address without a path, such as http://proxy:3128')]
}

function malformed(text: string): SetupProblem {
  return toMalformed('httpClient', text)
}
