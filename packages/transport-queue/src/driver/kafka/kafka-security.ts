import type { ConnectionOptions } from 'node:tls'
import type { Secret } from '@tenon/core'
import { isRecord, type OptionCheck, type SetupProblem, toFound } from '@tenon/core/transport'

/** What a client needs to speak TLS with its brokers, and to be known by it. */
export interface KafkaTlsOptions {
  /** Certificates of the authorities that are trusted instead of the well-known ones, as PEM. */
  readonly ca?: string | readonly string[]
  /** The client's own certificate as PEM, for brokers that ask for one. Needs `key`. */
  readonly cert?: string
  /** The private key of `cert` as PEM. Needs `cert`. */
  readonly key?: string
  /**
   * The name that the certificates of all brokers must be for, and that they are told.
   *
   * @defaultValue the host by which each broker is reached
   */
  readonly serverName?: string
}

/** A token for `oauthbearer`, which is asked for again before it expires. */
export interface KafkaToken {
  readonly value: string
  /** When it expires, in epoch milliseconds. @defaultValue never: it is asked for once for every connection */
  readonly expiresAt?: number
}

/**
 * How a client proves who it is. `plain` sends the password as it is, so it wants TLS.
 *
 * @see RFC 4616 (plain), RFC 5802 and RFC 7677 (SCRAM), RFC 7628 (oauthbearer), KIP-368 (doing it again)
 */
export type KafkaSaslOptions =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
      readonly username: string
      readonly password: string | Secret
    }
  | {
      readonly mechanism: 'oauthbearer'
      /** Gives a token. The signal fires when connecting may take no longer. */
      readonly token: (signal: AbortSignal) => Promise<KafkaToken>
    }

/** The options as Node takes them; undefined without TLS. */
export function toConnectionOptions(tls: KafkaTlsOptions | undefined): ConnectionOptions | undefined {
  if (tls === undefined) return undefined
  const { ca, cert, key, serverName } = tls
  return {
    ...(ca !== undefined && { ca: [ca].flat() }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(serverName !== undefined && { servername: serverName }),
  }
}

/** The password, for the library that sends it and for nobody else. */
export function passwordOf({ password }: { readonly password: string | Secret }): string {
  return typeof password === 'string' ? password : password.reveal()
}

/** What is wrong with the option `tls`; nothing where it is left out. */
export function checkKafkaTls(tls: unknown, check: OptionCheck): readonly SetupProblem[] {
  if (tls === undefined) return []
  if (!isRecord(tls)) return [check.malformed(`tls must be an object, {} for what is trusted, found ${toFound(tls)}`)]
  const { ca = [], cert, key, serverName } = tls
  const isLacking = (cert === undefined) !== (key === undefined)
  const problems = [
    ...check.names(tls, ['ca', 'cert', 'key', 'serverName'], 'tls'),
    ...(isLacking
      ? [check.malformed(`tls.cert and tls.key belong together, found only ${cert === undefined ? 'key' : 'cert'}`)]
      : []),
    ...[ca].flat().flatMap((text) => checkPem('ca', text, check)),
    ...(cert === undefined ? [] : checkPem('cert', cert, check)),
    ...(key === undefined ? [] : checkPem('key', key, check)),
    ...checkServerName(serverName, check),
  ]
  return problems.length > 0 ? problems : checkMaterial(tls, check)
}

/** What is wrong with the option `sasl`; nothing where it is left out. */
export function checkSasl(sasl: unknown, check: OptionCheck): readonly SetupProblem[] {
  if (sasl === undefined) return []
  if (!isRecord(sasl)) return [check.malformed(`sasl must be an object with mechanism, found ${toFound(sasl)}`)]
  const wrong = check.choice('sasl.mechanism', sasl['mechanism'], saslMechanisms)
  if (wrong.length > 0) return wrong
  return sasl['mechanism'] === 'oauthbearer' ? checkBearer(sasl, check) : checkPassword(sasl, check)
}

function checkBearer(sasl: Readonly<Record<string, unknown>>, check: OptionCheck): readonly SetupProblem[] {
  const isGiven = typeof sasl['token'] === 'function'
  return [
    ...check.names(sasl, ['mechanism', 'token'], 'sasl'),
    ...(isGiven
      ? []
      : [check.malformed('sasl.token must be a function that gives a token with mechanism oauthbearer')]),
  ]
}

const saslMechanisms = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer']

/** Tells nothing of a password but that it is wrong. */
function checkPassword(sasl: Readonly<Record<string, unknown>>, check: OptionCheck): readonly SetupProblem[] {
  const { username, password, mechanism } = sasl
  const isName = typeof username === 'string' && username !== ''
  const revealed: unknown = typeof password === 'string' ? password : revealOf(password)
  const isPassword = typeof revealed === 'string' && revealed !== ''
  const needed = `with mechanism ${String(mechanism)}`
  return [
    ...check.names(sasl, ['mechanism', 'username', 'password'], 'sasl'),
    ...(isName ? [] : [check.malformed(`sasl.username must be a text ${needed}, found ${toFound(username)}`)]),
    ...(isPassword ? [] : [check.malformed(`sasl.password must be a text or a Secret that is not empty ${needed}`)]),
  ]
}

function revealOf(secret: unknown): unknown {
  const reveal: unknown = isRecord(secret) ? Reflect.get(secret, 'reveal') : undefined
  return typeof reveal === 'function' ? Reflect.apply(reveal, secret, []) : undefined
}

function checkServerName(name: unknown, check: OptionCheck): readonly SetupProblem[] {
  if (name === undefined || (typeof name === 'string' && /^[^\s/:]+$/.test(name))) return []
  return [check.malformed(`tls.serverName must be a host name, found ${toFound(name)}`)]
}

/** Never quotes what it found: it may be a key. */
function checkPem(name: 'ca' | 'cert' | 'key', text: unknown, check: OptionCheck): readonly SetupProblem[] {
  if (typeof text === 'string' && text.includes('-----BEGIN ')) return []
  return [check.malformed(`tls.${name} must be a PEM text, which begins with -----BEGIN`)]
}

function checkMaterial(tls: KafkaTlsOptions, check: OptionCheck): readonly SetupProblem[] {
  try {
    // Loaded here, so that whoever speaks no TLS need not.
    process.getBuiltinModule('node:tls').createSecureContext(toConnectionOptions(tls))
    return []
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return [check.malformed(`tls.ca, tls.cert and tls.key cannot be used together: ${reason}`)]
  }
}
