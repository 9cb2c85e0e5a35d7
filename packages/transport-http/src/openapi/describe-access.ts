import type { AccessRule } from '@tenon/core/contract'
import type { Admission } from '@tenon/core/transport'
import type { OperationObject, SecurityRequirement, SecurityScheme } from './document.ts'

/** What a document says of who may call an operation. */
export interface DescribedAccess {
  /** Any one of them suffices; empty where everybody may call. */
  readonly security: readonly SecurityRequirement[]
  /** A sentence for what `security` cannot say; undefined where it says all. */
  readonly note: string | undefined
  /** Roles, any one of which suffices, or scopes, all of them needed, for programs to read. */
  readonly extensions: Pick<OperationObject, 'x-required-roles' | 'x-required-scopes'>
  readonly needsCredential: boolean
  /** Whether a known caller may be refused. */
  readonly mayForbid: boolean
}

/** Where contracts do not say otherwise: a token in the `Authorization` header. @see RFC 6750 */
export const bearerScheme: Readonly<Record<string, SecurityScheme>> = Object.freeze({
  bearer: Object.freeze({ type: 'http', scheme: 'bearer' }),
})

/**
 * Describes an access rule by the schemes that callers may use: one requirement for each way in.
 *
 * @see OpenAPI 3.1, security requirement object, and section 4.9 on extensions, where roles and scopes stand
 */
export function describeAccess(
  { access, hasPolicy }: Admission,
  schemes: Readonly<Record<string, SecurityScheme>>,
): DescribedAccess {
  if (access === 'public') {
    const note = hasPolicy ? 'What the input asks for is checked against the caller, who may be unknown.' : undefined
    return { security: [], note, extensions: {}, needsCredential: false, mayForbid: hasPolicy }
  }
  const security = Object.entries(schemes).map(([name, scheme]) => ({ [name]: requiredScopes(access, scheme) }))
  const note = [noteOf(access), ...(hasPolicy ? ['What the input asks for is checked against the caller.'] : [])]
  const mayForbid = access !== 'authenticated' || hasPolicy
  return { security, note: note.join(' '), extensions: extensionsOf(access), needsCredential: true, mayForbid }
}

/** Names stand with schemes that have scopes; linters warn of them anywhere else. */
function requiredScopes(access: Exclude<AccessRule, 'public'>, { type }: SecurityScheme): readonly string[] {
  const hasScopes = type === 'oauth2' || type === 'openIdConnect'
  return hasScopes && typeof access === 'object' ? (access.scopes ?? []) : []
}

function extensionsOf(access: Exclude<AccessRule, 'public'>): DescribedAccess['extensions'] {
  if (typeof access === 'string') return {}
  return {
    ...(access.roles !== undefined && { 'x-required-roles': access.roles }),
    ...(access.scopes !== undefined && { 'x-required-scopes': access.scopes }),
  }
}

function noteOf(access: Exclude<AccessRule, 'public'>): string {
  if (access === 'authenticated') return 'For every known caller.'
  if (typeof access === 'string' || access.check !== undefined)
    return 'For known callers that pass a check of the service.'
  if (access.roles !== undefined) return `For callers with ${atLeastOne('role', access.roles)}.`
  return `For callers with ${access.scopes.length === 1 ? 'the scope' : 'all the scopes'} ${quoted(access.scopes, 'and')}.`
}

function atLeastOne(kind: string, names: readonly string[]): string {
  return names.length === 1
    ? `the ${kind} ${quoted(names, 'or')}`
    : `at least one of the ${kind}s ${quoted(names, 'or')}`
}

function quoted(names: readonly string[], word: 'and' | 'or'): string {
  const texts = names.map((name) => `\`${name}\``)
  const last = texts.at(-1) ?? ''
  return texts.length < 2 ? last : `${texts.slice(0, -1).join(', ')} ${word} ${last}`
}
