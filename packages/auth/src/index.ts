export { type CreatedApiKey, createApiKey } from './api-key/api-key.ts'
export {
  apiKeyAuthenticator,
  apiKeyDefaults,
  type ApiKeyOptions,
  type StoredApiKey,
} from './api-key/api-key-authenticator.ts'
export { certificateAuthenticator, type CertificateOptions } from './certificate/certificate-authenticator.ts'
export type { CertificateIdentity } from './certificate/certificate-identity.ts'
export type { SpiffeId } from './certificate/spiffe-id.ts'
export type { AuthClock } from './clock.ts'
export { firstOf } from './first-of.ts'
export { jwksDefaults, type JwksOptions } from './jwt/jwks-options.ts'
export { jwtAuthenticator } from './jwt/jwt-authenticator.ts'
export {
  jwtDefaults,
  type JsonWebKeySet,
  type JwtOptions,
  type PublicKeyAlgorithm,
  type SecretAlgorithm,
  type TokenClaims,
} from './jwt/jwt-options.ts'
