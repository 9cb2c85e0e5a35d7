import type { SetupProblem } from '../../error/setup-error.ts'
import { isRecord, toFound } from '../../error/given-value.ts'
import { type OptionCheck, optionCheck } from '../../error/option-check.ts'

/** How a server speaks TLS, whatever it speaks over it. */
export interface TlsOptions {
  /**
   * Certificate of the server with its chain: a PEM text, or the path of a file with one.
   *
   * Files are read when the server starts to listen, and again when they change; connections that are open keep what they
   * began with. What cannot be used is logged, and the server goes on with what it had.
   *
   * @throws ConfigError `config.malformed`, when it is neither; on listening, when a file cannot be read or used
   * @see Kubernetes, secrets as files: an update swaps a symbolic link in the folder
   */
  readonly cert: string
  /** Private key of `cert`: a PEM text, or the path of a file with one. Encrypted keys are not taken. */
  readonly key: string
  /**
   * Certificates of those who sign the certificates of callers: a PEM text, or the path of a file with one. Without it nobody's
   * certificate can be checked, so `clientCertificate` needs it.
   */
  readonly ca?: string
  /**
   * Whether callers show a certificate. `require` ends every handshake without one that `ca` has signed; `request` lets such
   * callers in, and over HTTP `configure` can tell them apart by `request.raw.socket.authorized`; `none` does not ask.
   *
   * @defaultValue 'none'
   */
  readonly clientCertificate?: 'none' | 'request' | 'require'
  /**
   * Oldest version of TLS that is spoken.
   *
   * @defaultValue 'TLSv1.2'
   * @see RFC 8996: TLS 1.0 and 1.1 are not to be used
   */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
  /**
   * How often files are looked at where the file system tells of no change.
   *
   * @defaultValue 60_000
   * @remarks Range 1_000–86_400_000 ms. A guess: renewed certificates overlap by hours.
   * @throws ConfigError `config.out_of_range`
   */
  readonly pollIntervalMs?: number
}

/** What is used where an option of `tls` is left out. */
export const tlsDefaults = Object.freeze({
  clientCertificate: 'none',
  minVersion: 'TLSv1.2',
  pollIntervalMs: 60_000,
} satisfies Omit<TlsOptions, 'cert' | 'key'>)

export interface TlsSettings extends Required<Omit<TlsOptions, 'ca'>> {
  readonly ca: string | undefined
  /** Whose option it is, as its user writes it; problems that are found later begin with it. */
  readonly owner: string
}

/** The options with defaults filled in. Whether they are right says `checkTls`. */
export function toTlsSettings(options: TlsOptions, owner: string): TlsSettings {
  return Object.freeze({
    owner,
    cert: options.cert,
    key: options.key,
    ca: options.ca,
    clientCertificate: options.clientCertificate ?? tlsDefaults.clientCertificate,
    minVersion: options.minVersion ?? tlsDefaults.minVersion,
    pollIntervalMs: options.pollIntervalMs ?? tlsDefaults.pollIntervalMs,
  })
}

const names: Readonly<Record<keyof TlsOptions, true>> = {
  cert: true,
  key: true,
  ca: true,
  clientCertificate: true,
  minVersion: true,
  pollIntervalMs: true,
}

/** What is wrong with the option `tls` of its owner; nothing where it is left out. */
export function checkTls(given: unknown, settings: TlsSettings | undefined, owner: string): readonly SetupProblem[] {
  if (given === undefined) return []
  const check = optionCheck(owner)
  if (!isRecord(given) || settings === undefined)
    return [check.malformed(`tls must be an object with cert and key, found ${toFound(given)}`)]
  return [...check.names(given, Object.keys(names), 'tls'), ...checkSettings(settings, check)]
}

function checkSettings(tls: TlsSettings, check: OptionCheck): readonly SetupProblem[] {
  const { ca, clientCertificate } = tls
  return [
    ...checkMaterial('cert', tls.cert, check),
    ...checkMaterial('key', tls.key, check),
    ...(ca === undefined ? [] : checkMaterial('ca', ca, check)),
    ...check.choice('tls.clientCertificate', clientCertificate, ['none', 'request', 'require']),
    ...(ca === undefined && clientCertificate !== 'none'
      ? [
          check.malformed(
            `tls.clientCertificate ${toFound(clientCertificate)} needs tls.ca, the certificates to check by`,
          ),
        ]
      : []),
    ...check.choice('tls.minVersion', tls.minVersion, ['TLSv1.2', 'TLSv1.3']),
    ...check.integer('tls.pollIntervalMs', tls.pollIntervalMs, { min: 1_000, max: 86_400_000 }),
  ]
}

/** What is in a PEM text goes into no message: it may be the key. */
function checkMaterial(name: 'cert' | 'key' | 'ca', value: unknown, check: OptionCheck): readonly SetupProblem[] {
  if (typeof value === 'string' && value.trim() !== '') return []
  const found = value === undefined ? 'nothing' : typeof value === 'string' ? 'an empty text' : `a ${typeof value}`
  return [check.malformed(`tls.${name} must be a PEM text or the path of a file with one, found ${found}`)]
}
