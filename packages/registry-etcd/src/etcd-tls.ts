import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { OptionCheck, SetupProblem } from '@tenon/core/registry'
import { isRecord, toFound } from '@tenon/core/transport'

/**
 * What is needed to speak TLS with etcd, and to be known by it. Each certificate and key is a PEM text, or the path of a file with one.
 * Files are read again when a connection has failed.
 */
export interface EtcdTlsOptions {
  /** Certificates of the authorities that are trusted instead of the well-known ones. */
  readonly ca?: string
  /** The client's own certificate, for members that ask for one. Needs `key`. */
  readonly cert?: string
  /** The private key of `cert`. Needs `cert`. */
  readonly key?: string
  /** The name that the certificates of all members must be for, and that they are told. @defaultValue the host of each endpoint */
  readonly serverName?: string
}

/** What is wrong with the option `tls`, files included; nothing where it is left out. */
export function checkEtcdTls(tls: unknown, check: OptionCheck): readonly SetupProblem[] {
  if (tls === undefined) return []
  if (!isRecord(tls)) return [check.malformed(`tls must be an object, {} for what is trusted, found ${toFound(tls)}`)]
  const { cert, key, serverName } = tls
  const isLacking = (cert === undefined) !== (key === undefined)
  const problems = [
    ...check.names(tls, [...materials, 'serverName'], 'tls'),
    ...(isLacking
      ? [check.malformed(`tls.cert and tls.key belong together, found only ${cert === undefined ? 'key' : 'cert'}`)]
      : []),
    ...materials.flatMap((name) => checkMaterial(name, tls[name], check)),
    ...(serverName === undefined || (typeof serverName === 'string' && /^[^\s/:]+$/.test(serverName))
      ? []
      : [check.malformed(`tls.serverName must be a host name, found ${toFound(serverName)}`)]),
  ]
  return problems.length > 0 ? problems : checkTogether(tls, check)
}

/** What connections are secured by, with what is in the files now. @throws Error that names the option whose file cannot be read or used */
export function toSecureContext({ ca, cert, key }: EtcdTlsOptions): SecureContext {
  const texts = {
    ...(ca !== undefined && { ca: readMaterial('ca', ca) }),
    ...(cert !== undefined && { cert: readMaterial('cert', cert) }),
    ...(key !== undefined && { key: readMaterial('key', key) }),
  }
  try {
    // As gRPC wants it. @see RFC 9113 section 9.2
    return createSecureContext({ minVersion: 'TLSv1.2', ...texts })
  } catch (cause) {
    throw new Error(`tls.ca, tls.cert and tls.key cannot be used together: ${reasonOf(cause)}`, { cause })
  }
}

const materials = ['ca', 'cert', 'key'] as const

/** Never quotes what it found: it may be a key. */
function checkMaterial(name: string, value: unknown, check: OptionCheck): readonly SetupProblem[] {
  if (value === undefined) return []
  try {
    const text = readMaterial(name, typeof value === 'string' ? value : '')
    // Node passes over authorities that it cannot read.
    if (name === 'ca') new X509Certificate(text)
    return []
  } catch {
    return [check.malformed(`tls.${name} must be a PEM text, or the path of a file with one that can be read`)]
  }
}

function checkTogether(tls: EtcdTlsOptions, check: OptionCheck): readonly SetupProblem[] {
  try {
    toSecureContext(tls)
    return []
  } catch (error) {
    return [check.malformed(reasonOf(error))]
  }
}

function readMaterial(name: string, value: string): string {
  if (isPem(value)) return value
  const text = readFile(name, value)
  // Node would trust the well-known authorities in the place of none.
  if (!isPem(text)) throw new Error(`tls.${name} cannot be read: there is no PEM text in ${value}`)
  return text
}

function readFile(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new Error(`tls.${name} cannot be read: ${reasonOf(cause)}`, { cause })
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** @see RFC 7468 section 2 */
function isPem(value: string): boolean {
  return value.includes('-----BEGIN ')
}
