import type { Metadata } from '@tenon/core'
import { invalidCredential } from '../invalid-credential.ts'
import type { JwtSettings } from './jwt-options.ts'

/** @see RFC 6750 section 2.1; RFC 9110 section 11.1: the scheme is in any case */
const bearer = /^bearer(?: +|$)/i
/** @see RFC 7515 section 7.1: three parts of base64url, of which a signature may not be missing here */
const compactForm = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * The token that a caller shows; undefined for none, and for another scheme in `authorization`.
 *
 * @throws ServiceError `unauthenticated` for what is too long or has not the form of a token, before anything of it is decoded
 */
export function readToken(metadata: Metadata, { header, maxTokenBytes }: JwtSettings): string | undefined {
  const value = metadata[header]
  if (value === undefined) return undefined
  const scheme = header === 'authorization' ? bearer.exec(value)?.[0] : ''
  if (scheme === undefined) return undefined
  if (value.length - scheme.length > maxTokenBytes)
    throw invalidCredential('invalid_token', `the token is longer than ${maxTokenBytes} bytes`)
  const token = value.slice(scheme.length)
  if (!compactForm.test(token)) throw invalidCredential('invalid_token', 'what is shown has not the form of a token')
  return token
}
