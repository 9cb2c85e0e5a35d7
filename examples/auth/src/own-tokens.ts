import { type AccessTokens, jwtAuthenticator } from '@tenon/auth'
import type { Authenticator } from '@tenon/core'

/** Who issues tokens, and for whom: every service of the system. */
export const issuer = 'https://auth.example'
export const audience = 'https://api.example'

/** Believes the tokens that this service issues itself. `authenticate` is named before there is a database, and its keys with it. */
export class OwnTokens {
  #authenticate: Authenticator = () => undefined

  /** What every other service writes too, but for `fetch`: this one has the keys. */
  of(tokens: AccessTokens): AccessTokens {
    this.#authenticate = jwtAuthenticator({
      issuer,
      audience,
      algorithms: ['ES256'],
      type: 'at+jwt',
      jwks: { url: `${issuer}/.well-known/jwks.json`, fetch: async () => Response.json(await tokens.keySet()) },
    })
    return tokens
  }

  readonly authenticate: Authenticator = (...call) => this.#authenticate(...call)
}
