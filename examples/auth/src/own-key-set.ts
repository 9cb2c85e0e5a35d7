import type { AccessTokens } from '@tenon/auth'

/** Answers for the address of the keys inside the service that serves it: its authenticator is made before there is a database. */
export class OwnKeySet {
  #tokens: AccessTokens | undefined

  of(tokens: AccessTokens): AccessTokens {
    this.#tokens = tokens
    return tokens
  }

  readonly fetch = async (): Promise<Response> => Response.json(await this.#tokens?.keySet())
}
