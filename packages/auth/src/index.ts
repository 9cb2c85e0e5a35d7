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
export { passwordDefaults, type PasswordOptions } from './password/password-options.ts'
export { maxPasswordBytes, type PasswordHasher, passwordHasher } from './password/password-hasher.ts'
export { accessTokenDefaults, type AccessTokenOptions } from './token/access-token-options.ts'
export { type AccessTokens, accessTokens, type IssuedToken, type PublicKeySet } from './token/access-tokens.ts'
export {
  memoryRefreshTokens,
  type NextRefreshToken,
  type RefreshFamily,
  type RefreshTokenStore,
} from './token/refresh-token-store.ts'
export {
  type RefreshedToken,
  refreshTokenDefaults,
  type RefreshTokenOptions,
  type RefreshTokens,
  refreshTokens,
} from './token/refresh-tokens.ts'
export { memorySigningKeys, type SigningKey, type SigningKeyStore } from './token/signing-key.ts'
export type { PublicSigningKey } from './token/token-signer.ts'
export { clientCredentials } from './remote/client-credentials.ts'
export type { CredentialInterceptor } from './remote/credential-interceptor.ts'
export { exchangeToken } from './remote/exchange-token.ts'
export { forwardToken, type ForwardTokenOptions } from './remote/forward-token.ts'
export { tokenEndpointDefaults, type TokenEndpointOptions } from './remote/token-endpoint-options.ts'
