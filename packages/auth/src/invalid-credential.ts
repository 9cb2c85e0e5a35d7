import { ServiceError } from '@tenon/core'

/** What a caller is told of its credential; nothing of what is wrong with it. */
export type CredentialReason = 'invalid_token' | 'invalid_api_key' | 'invalid_certificate'

/**
 * The refusal of a credential. Its caller learns the reason and no more; the log learns why.
 *
 * @param why In words for operators. Must hold nothing of the credential.
 */
export function invalidCredential(reason: CredentialReason, why: string): ServiceError {
  return new ServiceError('unauthenticated', 'the credential is not valid', { reason, cause: new Error(why) })
}
