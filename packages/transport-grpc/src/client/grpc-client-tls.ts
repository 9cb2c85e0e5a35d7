import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { ConfigError, isRecord, optionCheck, type SetupProblem, toFound } from '@tenon/core/transport'

/**
 * What a client needs to speak TLS, and to be known by it. Each certificate and key is a PEM text, or the path of a file with one. Files
 * are read when the client opens, and again for each new connection; open ones keep what they began with. What cannot be used then is
 * passed over, and the client goes on with what it had; each change of that kind is one warning of the process, `TENON_GRPC_TLS`.
 */
export interface GrpcClientTlsOptions {
  /**
   * Certificates of the authorities that are trusted instead of the well-known ones.
   *
   * @throws ConfigError `config.malformed`; on opening, when a file cannot be read or used
   */
  readonly ca?: string | readonly string[]
  /**
   * The client's own certificate, for servers that ask for one. Needs `key`.
   *
   * @throws ConfigError `config.malformed`; on opening, when a file cannot be read or used
   */
  readonly cert?: string
  /** The private key of `cert`. @throws ConfigError `config.malformed`; on opening, when a file cannot be read or used */
  readonly key?: string
  /**
   * The name that the server's certificate must be for, and that the server is told.
   *
   * @defaultValue the host of the address; `localhost` over a Unix socket
   * @throws ConfigError `config.malformed`
   */
  readonly serverName?: string
}

/** What is wrong with the option, as far as it can be told without reading files. */
export function checkTls(tls: unknown): readonly SetupProblem[] {
  if (tls === undefined) return []
  if (!isRecord(tls)) return [check.malformed(`tls must be an object, found ${toFound(tls)}`)]
  const { ca = [], cert, key, serverName }: Given = tls
  const isLacking = (cert === undefined) !== (key === undefined)
  const problems = [
    ...check.names(tls, Object.keys(names), 'tls'),
    ...(isLacking
      ? [check.malformed(`tls.cert and tls.key belong together, found only ${cert ? 'cert' : 'key'}`)]
      : []),
    ...[ca].flat().flatMap((value) => checkValue('ca', value)),
    ...(cert === undefined ? [] : checkValue('cert', cert)),
    ...(key === undefined ? [] : checkValue('key', key)),
    ...(serverName === undefined || (typeof serverName === 'string' && /^[^\s/:]+$/.test(serverName))
      ? []
      : [check.malformed(`tls.serverName must be a host name, found ${toFound(serverName)}`)]),
  ]
  if (problems.length > 0 || hasFiles(tls as GrpcClientTlsOptions)) return problems
  return checkTexts(tls as GrpcClientTlsOptions)
}

/** Whether any of it is in files. */
export function hasFiles(tls: GrpcClientTlsOptions): boolean {
  return placesOf(tls).some(({ value }) => !isPem(value))
}

/** What is in the files, with all else as it is. @throws ConfigError `config.malformed` naming each option whose file cannot be read */
export function readTlsNow(tls: GrpcClientTlsOptions): GrpcClientTlsOptions {
  const read = placesOf(tls).map(({ name, value }): Text => {
    try {
      return { text: isPem(value) ? value : readFileSync(value, 'utf8') }
    } catch (cause) {
      return { problem: unreadable(name, cause) }
    }
  })
  return withTexts(tls, textsOf(read))
}

/** As `readTlsNow`, without holding up the process. @throws ConfigError as there */
export async function readTls(tls: GrpcClientTlsOptions): Promise<GrpcClientTlsOptions> {
  const read = placesOf(tls).map(async ({ name, value }): Promise<Text> => {
    try {
      return { text: isPem(value) ? value : await readFile(value, 'utf8') }
    } catch (cause) {
      return { problem: unreadable(name, cause) }
    }
  })
  return withTexts(tls, textsOf(await Promise.all(read)))
}

/** What a connection is secured by. @throws ConfigError `config.malformed` naming each text that cannot be used, or not with the others */
export function toSecureContext(read: GrpcClientTlsOptions): SecureContext {
  const problems = checkParts(read)
  if (problems.length > 0) throw new ConfigError(problems)
  try {
    return createSecureContext(toContextOptions(read))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError([check.malformed(`tls.ca, tls.cert and tls.key cannot be used together: ${reason}`)])
  }
}

/** What is in a place, or why that is not known. */
type Text = { readonly text: string } | { readonly problem: SetupProblem }

function textsOf(read: readonly Text[]): readonly string[] {
  const problems = read.flatMap((one) => ('problem' in one ? [one.problem] : []))
  if (problems.length > 0) throw new ConfigError(problems)
  return read.flatMap((one) => ('text' in one ? [one.text] : []))
}

function unreadable(name: string, cause: unknown): SetupProblem {
  return check.malformed(`tls.${name} is neither a PEM text nor the path of a file that can be read (${codeOf(cause)})`)
}

/** What Node makes of certificates that have been read. */
function toContextOptions({ ca, cert, key }: GrpcClientTlsOptions): SecureContextOptions {
  return {
    ...(ca !== undefined && { ca: [ca].flat() }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  }
}

const check = optionCheck('grpcClient')

/** Options as they may be found, whatever their types say. */
type Given = { readonly [Name in keyof GrpcClientTlsOptions]?: unknown }

const names: Readonly<Record<keyof GrpcClientTlsOptions, true>> = { ca: true, cert: true, key: true, serverName: true }

/** PEM names what it holds. @see RFC 7468 */
const labels = { ca: 'CERTIFICATE', cert: 'CERTIFICATE', key: 'PRIVATE KEY' } as const

/** Never quotes what it found: it may be a key. */
function checkValue(name: keyof typeof labels, value: unknown): readonly SetupProblem[] {
  const isGiven = typeof value === 'string' && value.trim() !== ''
  if (isGiven && (holds(name, value) || !isPem(value))) return []
  return [check.malformed(`tls.${name} must be PEM text with a ${labels[name]}, or the path of a file with it`)]
}

function holds(name: keyof typeof labels, text: string): boolean {
  return new RegExp(`-----BEGIN (?:[A-Z0-9]+ )*${labels[name]}-----`).test(text)
}

/** @see RFC 7468 section 2 */
function isPem(value: string): boolean {
  return value.includes('-----BEGIN ')
}

interface Place {
  readonly name: keyof typeof labels
  readonly value: string
}

function placesOf({ ca = [], cert, key }: GrpcClientTlsOptions): readonly Place[] {
  const authorities = [ca].flat().map((value) => ({ name: 'ca', value }) as const)
  if (cert === undefined || key === undefined) return authorities
  return [...authorities, { name: 'cert', value: cert }, { name: 'key', value: key }]
}

/** @param texts As `placesOf` has them. */
function withTexts(tls: GrpcClientTlsOptions, texts: readonly string[]): GrpcClientTlsOptions {
  const authorityCount = [tls.ca ?? []].flat().length
  const [cert, key] = texts.slice(authorityCount)
  return {
    ...tls,
    ...(tls.ca !== undefined && { ca: texts.slice(0, authorityCount) }),
    ...(cert !== undefined && key !== undefined && { cert, key }),
  }
}

/** What is wrong with texts, wherever they were. */
function checkTexts(tls: GrpcClientTlsOptions): readonly SetupProblem[] {
  try {
    toSecureContext(tls)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

function checkParts(tls: GrpcClientTlsOptions): readonly SetupProblem[] {
  const strays = placesOf(tls).filter(({ name, value }) => !holds(name, value) || !isWhole(value))
  return strays.map(({ name }) => check.malformed(`tls.${name} holds no ${labels[name]} as PEM, or only a part of one`))
}

/** Node takes what was cut off for nothing, and says so nowhere. */
function isWhole(text: string): boolean {
  return text.split('-----BEGIN ').length === text.split('-----END ').length
}

/** Without the path: it may be the key, in another form than PEM. */
function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown'
}
