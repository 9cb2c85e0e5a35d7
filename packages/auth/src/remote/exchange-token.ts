import { createHash } from 'node:crypto'
import { optionCheck } from '@tenon/core/transport'
import { callerToken } from './caller-token.ts'
import { type CredentialInterceptor, credentialInterceptor } from './credential-interceptor.ts'
import { resolveTokenEndpoint, type TokenEndpointOptions } from './token-endpoint-options.ts'
import { TokenCache } from './token-cache.ts'

const accessToken = 'urn:ietf:params:oauth:token-type:access_token'
const check = optionCheck('exchangeToken')

/**
 * Sends a token for the remote that stands for the caller, got from the authorization server for the one that the caller showed. A call without a known caller, or
 * whose caller showed no token, goes out without.
 *
 * @throws ConfigError `config.malformed`, `config.out_of_range`; in calls, ServiceError `unavailable` with the reason `token_unavailable`, `permission_denied` with `token_refused`
 * @see RFC 8693 section 2
 */
export function exchangeToken(options: TokenEndpointOptions): CredentialInterceptor {
  const settings = resolveTokenEndpoint(options, check)
  const tokens = new TokenCache(settings)
  return credentialInterceptor(async () => {
    const subject = callerToken()
    if (subject === undefined) return undefined
    // The key is the whole token, of which nothing but a hash is kept: no two callers share one.
    const key = createHash('sha256').update(subject).digest('base64')
    return tokens.get(key, {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: subject,
      subject_token_type: accessToken,
      requested_token_type: accessToken,
      ...settings.asked,
    })
  }, settings.allowPlaintext)
}
