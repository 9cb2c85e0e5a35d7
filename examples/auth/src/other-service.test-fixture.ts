import { jwtAuthenticator } from '@tenon/auth'

export const authenticate = jwtAuthenticator({
  issuer: 'https://auth.example',
  audience: 'https://api.example',
  algorithms: ['ES256'],
  type: 'at+jwt',
  jwks: 'https://auth.example/.well-known/jwks.json',
})
