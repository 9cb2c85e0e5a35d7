import type { AccessRule } from '../contract/operation.ts'
import { ServiceError } from '../error/service-error.ts'
import type { Arrival } from './arrival.ts'
import type { Principal } from './call.ts'

/**
 * Finds out who calls, from the arrival's metadata and peer; undefined for a caller that shows no credential.
 *
 * @throws ServiceError `unauthenticated` for a credential that is not valid.
 */
export type Authenticator = (
  arrival: Pick<Arrival, 'metadata' | 'peer' | 'transport'>,
) => Principal | undefined | Promise<Principal | undefined>

/** Refuses a caller, or returns. */
export type AccessCheck = (principal: Principal | undefined) => void

/** The check for a rule; undefined when everybody may call. */
export function compileAccess(rule: AccessRule): AccessCheck | undefined {
  if (rule === 'public') return undefined
  const isAllowed = typeof rule === 'string' ? () => true : matcher(rule)
  return (principal) => {
    if (principal === undefined) throw new ServiceError('unauthenticated', 'a credential is needed')
    if (!isAllowed(principal)) throw new ServiceError('permission_denied', 'the caller may not do this')
  }
}

function matcher(rule: Exclude<AccessRule, string>): (principal: Principal) => boolean {
  if ('roles' in rule) return ({ roles }) => rule.roles.some((role) => roles?.includes(role))
  return ({ scopes }) => rule.scopes.every((scope) => scopes?.includes(scope))
}
