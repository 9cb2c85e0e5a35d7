import { currentCall, type Principal } from '@tenon/core'

/** @see RFC 6750 section 2.1 */
const bearerForm = /^bearer +([\w.~+/-]+=*)$/i
/** Global, so that two installed copies of the package agree. */
const brand: unique symbol = Symbol.for('tenon.known-otherwise') as never

/**
 * Says of a principal that what `authorization` holds did not make it known, so that nobody has judged that. It is a copy, for who keeps the original may
 * give it to callers with a token as well.
 */
export function knownOtherwise(principal: Principal): Principal {
  return Object.defineProperty({ ...principal }, brand, { value: true })
}

/**
 * The token that the caller of the running call showed in `authorization`. Undefined outside of a call, where the service does not know its caller, and where
 * it knows it by another credential: what nobody has judged is not sent on.
 */
export function callerToken(): string | undefined {
  const call = currentCall()
  if (!call?.principal || brand in call.principal) return undefined
  return bearerForm.exec(call.metadata['authorization'] ?? '')?.[1]
}
