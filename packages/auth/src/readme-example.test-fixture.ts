import { apiKeyAuthenticator, certificateAuthenticator, firstOf, jwtAuthenticator } from '@tenon/auth'
import { defineService } from '@tenon/core'

export const service = defineService({
  name: 'order',
  version: '1.0.0',
  handlers: [],
  authenticate: firstOf(
    jwtAuthenticator({
      issuer: 'https://id.example',
      audience: 'order',
      algorithms: ['RS256'],
      jwks: 'https://id.example/.well-known/jwks.json',
      type: 'at+jwt',
    }),
    apiKeyAuthenticator({ keys: async () => undefined }),
    certificateAuthenticator({ trustDomains: ['prod.example'] }),
  ),
})
