import { optionCheck } from '@tenon/core/transport'
import { type CredentialInterceptor, credentialInterceptor } from './credential-interceptor.ts'
import { resolveTokenEndpoint, type TokenEndpointOptions } from './token-endpoint-options.ts'
import { TokenCache } from './token-cache.ts'

const check = optionCheck('clientCredentials')

/**
 * Sends a token of the service itself with each call to a remote, whoever calls the service: for schedules, tasks and consumers, behind which there is no caller.
 *
 * @throws ConfigError `config.malformed`, `config.out_of_range`; in calls, ServiceError `unavailable` with the reason `token_unavailable`, `permission_denied` with `token_refused`
 * @see RFC 6749 section 4.4
 */
export function clientCredentials(options: TokenEndpointOptions): CredentialInterceptor {
  const settings = resolveTokenEndpoint(options, check)
  const form = Object.freeze({ grant_type: 'client_credentials', ...settings.asked })
  const tokens = new TokenCache(settings)
  return credentialInterceptor(() => tokens.get('', form), settings.allowPlaintext)
}
