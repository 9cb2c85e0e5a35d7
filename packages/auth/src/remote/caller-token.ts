import { currentCall } from '@tenon/core'

/** @see RFC 6750 section 2.1 */
const bearerForm = /^bearer +([\w.~+/-]+=*)$/i

/**
 * The token that the caller of the running call showed in `authorization`. Undefined outside of a call, and where the service does not know its caller:
 * what nobody has judged is not sent on.
 */
export function callerToken(): string | undefined {
  const call = currentCall()
  if (call?.principal === undefined) return undefined
  return bearerForm.exec(call.metadata['authorization'] ?? '')?.[1]
}
