import type { AccessRule } from '../../contract/operation.ts'
import { ServiceError } from '../../error/service-error.ts'
import type { Arrival } from '../arrival.ts'
import type { Principal } from '../call.ts'

/**
 * Finds out who calls, from the arrival's metadata, certificate and peer; undefined for a caller that shows no credential.
 *
 * @throws ServiceError `unauthenticated` for a credential that is not valid; the message of its `cause`, which callers are not told, is in the log.
 */
export type Authenticator = (
  arrival: Pick<Arrival, 'certificate' | 'metadata' | 'peer' | 'transport'>,
) => Principal | undefined | Promise<Principal | undefined>

/**
 * Whether a caller may do what its input asks for; decided once the input has been validated, before any interceptor. What it
 * throws is `internal`, unless it is a `ServiceError`. The principal is undefined where the access rule lets unknown callers in.
 */
export type Policy<Input = unknown> = (principal: Principal | undefined, input: Input) => boolean | Promise<boolean>

/** Refuses a caller, or returns; a promise only where the rule is a check of the user's own. */
export type AccessCheck = (principal: Principal | undefined) => void | Promise<void>

/** The check for a rule; undefined when everybody may call. */
export function compileAccess(rule: AccessRule): AccessCheck | undefined {
  if (rule === 'public') return undefined
  const isAllowed = compileRule(rule)
  return (principal) => {
    // Code without types may say null.
    if (principal === undefined || principal === null)
      throw new ServiceError('unauthenticated', 'a credential is needed')
    const allowed = isAllowed(principal)
    return allowed instanceof Promise ? allowed.then(requireAllowed) : requireAllowed(allowed)
  }
}

/** @throws ServiceError `permission_denied` */
export function requireAllowed(allowed: boolean): void {
  if (allowed !== true) throw new ServiceError('permission_denied', 'the caller may not do this')
}

function compileRule(rule: Exclude<AccessRule, 'public'>): (principal: Principal) => boolean | Promise<boolean> {
  if (rule === 'authenticated') return () => true
  if (rule.check !== undefined) return rule.check
  if (rule.roles !== undefined) {
    const needed = rule.roles
    return ({ roles }) => needed.some((role) => isAmong(role, roles))
  }
  const needed = rule.scopes
  return ({ scopes }) => needed.every((scope) => isAmong(scope, scopes))
}

/** A claim that is one text, as tokens have them, must not match by a part of it. */
function isAmong(name: string, names: readonly string[] | undefined): boolean {
  return Array.isArray(names) && names.includes(name)
}
