import type { X509Certificate } from 'node:crypto'
import { readSpiffeId, type SpiffeId } from './spiffe-id.ts'

/** Whom a certificate names. */
export interface CertificateIdentity {
  /** Names as URIs, among the alternative names. */
  readonly uris: readonly string[]
  /** Names of hosts, among the alternative names. */
  readonly dnsNames: readonly string[]
  /** Its subject by short names: `{ CN: 'order', O: 'Shop' }`; a list where one is there more than once. */
  readonly subject: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The id of the workload, where the one URI is such an id. Whether its trust domain is right is another question. */
  readonly spiffeId: SpiffeId | undefined
  /** SHA-256 of the certificate, as openssl writes it. */
  readonly fingerprint256: string
}

/** @throws Error for alternative names that cannot be told apart */
export function readIdentity(certificate: X509Certificate): CertificateIdentity {
  const names = readNames(certificate.subjectAltName ?? '')
  const uris = names.flatMap(([kind, name]) => (kind === 'URI' ? [name] : []))
  const [uri] = uris
  return {
    uris,
    dnsNames: names.flatMap(([kind, name]) => (kind === 'DNS' ? [name] : [])),
    subject: Object.fromEntries(Object.entries(certificate.toLegacyObject().subject)),
    // @see X509-SVID section 2: there is exactly one URI
    spiffeId: uri !== undefined && uris.length === 1 ? readSpiffeId(uri) : undefined,
    fingerprint256: certificate.fingerprint256,
  }
}

/** One name as Node writes it: `URI:spiffe://prod.example/order`, in quotes what could be taken for two. @see Node, x509.subjectAltName, CVE-2021-44532 */
const nameForm = /([^:,"]+):(?:("(?:[^"\\]|\\.)*")|([^,"]*))(?:, |$)/y

/** Names by their kinds, in order. */
export function readNames(text: string): readonly (readonly [kind: string, name: string])[] {
  const names: (readonly [string, string])[] = []
  nameForm.lastIndex = 0
  while (nameForm.lastIndex < text.length) {
    const [, kind, quoted, plain = ''] = nameForm.exec(text) ?? []
    if (kind === undefined) throw new Error('the alternative names of the certificate cannot be read')
    names.push([kind, quoted === undefined ? plain : String(JSON.parse(quoted))])
  }
  return names
}
