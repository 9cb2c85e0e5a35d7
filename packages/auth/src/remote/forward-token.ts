import { ConfigError, optionCheck } from '@tenon/core/transport'
import { callerToken } from './caller-token.ts'
import { type CredentialInterceptor, credentialInterceptor } from './credential-interceptor.ts'

export interface ForwardTokenOptions {
  /** Whether the token may go over connections without TLS to other hosts: whoever is on the way can then use it. @defaultValue false */
  readonly allowPlaintext?: boolean
}

const check = optionCheck('forwardToken')

/**
 * Sends the token that the caller showed on to a remote, which must be one of its audiences: `remote(orders, { …, interceptors: [forwardToken()] })`. A call
 * without a known caller, or whose caller showed no token, goes out without. Nothing is kept.
 *
 * @throws ConfigError `config.malformed`; `remote()` throws it for an address that is neither TLS nor on this host
 */
export function forwardToken(options: ForwardTokenOptions = {}): CredentialInterceptor {
  const { allowPlaintext = false } = options
  const problems = [...check.names(options, ['allowPlaintext']), ...check.boolean('allowPlaintext', allowPlaintext)]
  if (problems.length > 0) throw new ConfigError(problems)
  return credentialInterceptor(async () => callerToken(), allowPlaintext)
}
