import type { Authenticator, Principal } from '@tenon/core'
import { ConfigError, givenOnly, optionCheck, type SetupProblem, toFound } from '@tenon/core/transport'
import { invalidCredential } from '../invalid-credential.ts'
import { knownOtherwise } from '../remote/caller-token.ts'
import { type CertificateIdentity, readIdentity } from './certificate-identity.ts'
import { readSpiffeId } from './spiffe-id.ts'

/** Whose certificates are believed. At least one of the two is needed. */
export interface CertificateOptions {
  /**
   * SPIFFE trust domains whose workloads may call, such as `prod.example`. A certificate then names exactly one URI, the id of a workload
   * in one of them. An authority may sign for several domains, so this is asked besides what TLS has checked.
   *
   * @defaultValue any certificate that TLS has checked
   */
  readonly trustDomains?: readonly string[]
  /**
   * Who a certificate says calls. Undefined refuses it; what it throws is `internal`, unless it is a `ServiceError`.
   *
   * @defaultValue the SPIFFE id as id
   */
  readonly principal?: (identity: CertificateIdentity) => Principal | undefined | Promise<Principal | undefined>
  /** Time in epoch milliseconds, for tests. @defaultValue Date.now */
  readonly now?: () => number
}

const check = optionCheck('certificateAuthenticator')

/**
 * Knows callers by the certificate of their connection, which HTTP and gRPC have checked by `tls.ca` (`clientCertificate: 'require'` or
 * `'request'`). One that shows none, and one whose certificate nobody has checked, is passed on. Messages have no certificate.
 *
 * @throws ConfigError `config.malformed`; from the authenticator, ServiceError `unauthenticated` with the reason `invalid_certificate`
 */
export function certificateAuthenticator(options: CertificateOptions): Authenticator {
  const { trustDomains, principal: principalOf = workload, now = Date.now } = givenOnly(options)
  const problems = [...check.names(options, ['trustDomains', 'principal', 'now']), ...checkDomains(options)]
  if (problems.length > 0) throw new ConfigError(problems)
  return async ({ certificate }) => {
    if (certificate === undefined) return undefined
    // A connection may live longer than what it was opened with.
    if (Date.parse(certificate.validTo) < now()) throw refused('the certificate has expired')
    const identity = read(certificate)
    const domain = identity.spiffeId?.trustDomain
    if (trustDomains && (domain === undefined || !trustDomains.includes(domain)))
      throw refused('the certificate names no workload of a trusted domain')
    const principal = await principalOf(identity)
    if (principal === undefined) throw refused('the certificate names nobody who may call')
    return knownOtherwise(principal)
  }
}

function read(certificate: Parameters<typeof readIdentity>[0]): CertificateIdentity {
  try {
    return readIdentity(certificate)
  } catch (error) {
    throw refused(error instanceof Error ? error.message : String(error))
  }
}

function workload({ spiffeId }: CertificateIdentity): Principal | undefined {
  return spiffeId && { id: spiffeId.id }
}

function refused(why: string) {
  return invalidCredential('invalid_certificate', why)
}

function checkDomains({ trustDomains, principal }: CertificateOptions): readonly SetupProblem[] {
  if (principal !== undefined && typeof principal !== 'function')
    return [check.malformed(`principal must be a function, found ${toFound(principal)}`)]
  if (trustDomains === undefined)
    return principal ? [] : [check.malformed('trustDomains or principal is needed, found neither')]
  const isDomain = (one: unknown) => typeof one === 'string' && readSpiffeId(`spiffe://${one}`)?.path === ''
  if (Array.isArray(trustDomains) && trustDomains.length > 0 && trustDomains.every(isDomain)) return []
  return [check.malformed("trustDomains must be a list of names such as 'prod.example'")]
}
