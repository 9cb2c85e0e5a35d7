import { type Authenticator, type Principal, ServiceError } from '@tenon/core'

/** Who may call. */
export const people: Readonly<Record<string, Principal>> = {
  ada: { id: 'ada', roles: ['admin', 'editor'], scopes: ['user:read', 'user:write'] },
  bob: { id: 'bob', roles: ['guest'], scopes: ['user:read'] },
  nil: { id: 'nil' },
}

/** Who calls, by the header `authorization: Bearer <name>`; a name that nobody has is no credential that is valid. */
export const authenticate: Authenticator = ({ metadata }) => {
  const name = metadata['authorization']?.replace('Bearer ', '')
  if (name === undefined) return undefined
  const principal = Object.hasOwn(people, name) ? people[name] : undefined
  if (principal === undefined) throw new ServiceError('unauthenticated', 'the credential is not valid')
  return principal
}
