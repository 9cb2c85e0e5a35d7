import { contract, secret } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'

/** Without quoted names, in which anything may stand: blanks, other letters, and line breaks that would be headers of a letter. */
const Email = Type.String({ format: 'email', pattern: '^[!#-~]+$', maxLength: 254 })
/** How long a password must be, and which are too easy, `passwordProblem` says. */
const Password = secret(Type.String({ maxLength: 1_024 }))
const RefreshToken = secret(Type.String({ maxLength: 100 }))
const ConfirmationCode = secret(Type.String({ maxLength: 100 }))
const Nothing = Type.Object({})

/** As in RFC 6749 section 5.1, in the names of this contract. */
const Tokens = Type.Object({
  accessToken: Type.String({ description: 'For `authorization: Bearer …`, of this service and of others.' }),
  accessTokenExpiresAt: Type.Integer({ description: 'In epoch milliseconds.' }),
  refreshToken: Type.String({
    description: 'Good for one `refresh`, which gives the next one. A second use ends the login.',
  }),
  refreshTokenExpiresAt: Type.Integer({ description: 'In epoch milliseconds.' }),
})

const PublicKey = Type.Object({
  kty: Type.String(),
  crv: Type.String(),
  x: Type.String(),
  y: Type.String(),
  kid: Type.String(),
  alg: Type.String(),
  use: Type.String(),
})

export const auth = contract(
  'auth.v1.AuthService',
  {
    register: {
      summary:
        'Asks for an account. The answer is the same whether the e-mail address is free or belongs to somebody; a letter to it says more.',
      input: Type.Object({ email: Email, password: Password }),
      output: Nothing,
      errors: ['invalid_argument', 'resource_exhausted'],
      http: { route: 'POST /register', status: 202 },
      access: 'public',
    },
    confirm: {
      summary: 'Makes the account that was asked for, by the code of the letter.',
      input: Type.Object({ code: ConfirmationCode }),
      output: Nothing,
      errors: ['not_found'],
      http: 'POST /confirm',
      access: 'public',
    },
    login: {
      summary: 'Tokens for an e-mail address and its password.',
      input: Type.Object({ email: Email, password: Password }),
      output: Tokens,
      errors: ['unauthenticated', 'resource_exhausted'],
      http: 'POST /login',
      access: 'public',
    },
    refresh: {
      summary: 'New tokens for a refresh token.',
      input: Type.Object({ refreshToken: RefreshToken }),
      output: Tokens,
      errors: ['unauthenticated'],
      http: 'POST /refresh',
      access: 'public',
    },
    logout: {
      summary: 'Ends the login of a refresh token. Its access token is valid until it expires.',
      input: Type.Object({ refreshToken: RefreshToken }),
      output: Nothing,
      http: 'POST /logout',
      access: 'public',
    },
    me: {
      summary: 'Who calls.',
      input: Nothing,
      output: Type.Object({ userId: Type.String({ format: 'uuid' }), email: Email }),
      errors: ['unauthenticated'],
      http: 'GET /me',
      access: 'authenticated',
    },
    keySet: {
      summary: 'The public keys by which access tokens are verified.',
      input: Nothing,
      output: Type.Object({ keys: Type.Array(PublicKey) }),
      http: 'GET /.well-known/jwks.json',
      access: 'public',
    },
  },
  // Keeps the field numbers of gRPC; `npm run proto -w @auth/service` brings it up to date.
  { proto: new URL('./auth.proto', import.meta.url) },
)
