import type { SetupProblem } from '@tenon/core/transport'
import { checkNames, isRecord, toFound } from '../option-form.ts'
import { checkInteger, malformed } from '../server/option-check.ts'

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
   * callers in, and `configure` can tell them apart by `request.raw.socket.authorized`; `none` does not ask.
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
}

export function toTlsSettings(options: TlsOptions): TlsSettings {
  return Object.freeze({
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

/** What is wrong with the form of `tls`, whatever it says. */
export function checkTlsForm(given: unknown): readonly SetupProblem[] {
  if (given === undefined) return []
  if (isRecord(given)) return checkNames('httpTransport: tls', given, Object.keys(names))
  return [malformed(`tls must be an object with cert and key, found ${toFound(given)}`)]
}

export function checkTls(tls: TlsSettings): readonly SetupProblem[] {
  const { ca, clientCertificate } = tls
  return [
    ...checkMaterial('cert', tls.cert),
    ...checkMaterial('key', tls.key),
    ...(ca === undefined ? [] : checkMaterial('ca', ca)),
    ...checkChoice('clientCertificate', clientCertificate, ['none', 'request', 'require']),
    ...(ca === undefined && clientCertificate !== 'none'
      ? [
          malformed(
            `tls.clientCertificate ${JSON.stringify(clientCertificate)} needs tls.ca, the certificates to check by`,
          ),
        ]
      : []),
    ...checkChoice('minVersion', tls.minVersion, ['TLSv1.2', 'TLSv1.3']),
    ...checkInteger('tls.pollIntervalMs', tls.pollIntervalMs, { min: 1_000, max: 86_400_000 }),
  ]
}

/** What is in a PEM text goes into no message: it may be the key. */
function checkMaterial(name: 'cert' | 'key' | 'ca', value: unknown): readonly SetupProblem[] {
  if (typeof value === 'string' && value.trim() !== '') return []
  const found = value === undefined ? 'nothing' : typeof value === 'string' ? 'an empty text' : `a ${typeof value}`
  return [malformed(`tls.${name} must be a PEM text or the path of a file with one, found ${found}`)]
}

function checkChoice(name: string, value: unknown, choices: readonly unknown[]): readonly SetupProblem[] {
  if (choices.includes(value)) return []
  return [malformed(`tls.${name} must be one of ${choices.join(', ')}, found ${JSON.stringify(value)}`)]
}
