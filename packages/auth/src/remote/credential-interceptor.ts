import type { ClientInterceptor } from '@tenon/core'
import { markConfidential } from '@tenon/core/client'

/** A client interceptor that sends a credential with each call, in `authorization`. */
export interface CredentialInterceptor extends ClientInterceptor {
  /**
   * The same credential for what is no call of a remote: `publish(event, payload, { headers: await own.headers() })`. Empty where there is none to send.
   *
   * @throws ServiceError as calls with it do
   */
  headers(): Promise<Readonly<Record<string, string>>>
}

/** Finds the token to send on behalf of the running call; undefined for none. */
export type FindToken = () => Promise<string | undefined>

export function credentialInterceptor(find: FindToken, allowPlaintext: boolean): CredentialInterceptor {
  const headers = async (): Promise<Readonly<Record<string, string>>> => {
    const token = await find()
    return token === undefined ? {} : { authorization: `Bearer ${token}` }
  }
  const send: ClientInterceptor = async (call, next) => {
    Object.assign(call.metadata, await headers())
    return next()
  }
  const interceptor = Object.assign(send, { headers })
  return allowPlaintext ? interceptor : markConfidential(interceptor)
}
