import { readFile } from 'node:fs/promises'
import { isRecord, type OptionCheck, type SetupProblem, toFound } from '@tenon/core/transport'

/** What is needed to speak TLS with an agent, and to be known by it. A text is PEM, or the path of a file with it. */
export interface AgentTlsOptions {
  /** Certificates of the authorities that are trusted instead of the well-known ones. */
  readonly ca?: string | readonly string[]
  /** The client's own certificate, for agents that ask for one (`verify_incoming`). Needs `key`. */
  readonly cert?: string
  /** The private key of `cert`. */
  readonly key?: string
  /** The name that the agent's certificate must be for, such as `server.dc1.consul`. @defaultValue the host of the address */
  readonly serverName?: string
}

/** The texts, as Node takes them. */
export interface TlsTexts {
  readonly ca?: string[]
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
}

/** As Consul's own command reads them; undefined where none is set. */
export function tlsFromEnvironment(environment: Readonly<Record<string, string | undefined>>): AgentTlsOptions {
  const { CONSUL_CACERT, CONSUL_CLIENT_CERT, CONSUL_CLIENT_KEY, CONSUL_TLS_SERVER_NAME } = environment
  return {
    ...(CONSUL_CACERT && { ca: CONSUL_CACERT }),
    ...(CONSUL_CLIENT_CERT && { cert: CONSUL_CLIENT_CERT }),
    ...(CONSUL_CLIENT_KEY && { key: CONSUL_CLIENT_KEY }),
    ...(CONSUL_TLS_SERVER_NAME && { serverName: CONSUL_TLS_SERVER_NAME }),
  }
}

/** What is wrong with the option `tls`; nothing where it is left out. Never quotes what it found: it may be a key. */
export function checkAgentTls(tls: unknown, check: OptionCheck): readonly SetupProblem[] {
  if (tls === undefined) return []
  if (!isRecord(tls)) return [check.malformed(`tls must be an object, {} for what is trusted, found ${toFound(tls)}`)]
  const { ca = [], cert, key, serverName } = tls
  const isLacking = (cert === undefined) !== (key === undefined)
  const isName = serverName === undefined || (typeof serverName === 'string' && /^[^\s/:]+$/.test(serverName))
  return [
    ...check.names(tls, ['ca', 'cert', 'key', 'serverName'], 'tls'),
    ...(isLacking
      ? [check.malformed(`tls.cert and tls.key belong together, found only ${cert ? 'cert' : 'key'}`)]
      : []),
    ...[ca].flat().flatMap((text) => checkText('ca', text, check)),
    ...(cert === undefined ? [] : checkText('cert', cert, check)),
    ...(key === undefined ? [] : checkText('key', key, check)),
    ...(isName ? [] : [check.malformed(`tls.serverName must be a host name, found ${toFound(serverName)}`)]),
  ]
}

/** Whether any of the texts is the path of a file, in which there may be another certificate later. */
export function hasFiles({ ca, cert, key }: AgentTlsOptions): boolean {
  return [ca, cert, key].flat().some((text) => text !== undefined && !isPem(text))
}

/** Reads the files. @throws Error that names the option and the file. */
export async function readAgentTls(tls: AgentTlsOptions): Promise<TlsTexts> {
  const { ca, cert, key, serverName } = tls
  return {
    ...(ca !== undefined && { ca: await Promise.all([ca].flat().map((text) => readPem('ca', text))) }),
    ...(cert !== undefined && { cert: await readPem('cert', cert) }),
    ...(key !== undefined && { key: await readPem('key', key) }),
    ...(serverName !== undefined && { servername: serverName }),
  }
}

function checkText(name: 'ca' | 'cert' | 'key', text: unknown, check: OptionCheck): readonly SetupProblem[] {
  if (typeof text === 'string' && text !== '') return []
  return [
    check.malformed(`tls.${name} must be a PEM text, which begins with -----BEGIN, or the path of a file with it`),
  ]
}

async function readPem(name: 'ca' | 'cert' | 'key', text: string): Promise<string> {
  if (isPem(text)) return text
  try {
    return await readFile(text, 'utf8')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`tls.${name} cannot be read: ${reason}`, { cause })
  }
}

function isPem(text: string): boolean {
  return text.includes('-----BEGIN ')
}
