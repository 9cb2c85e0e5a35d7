import type { AccessRule } from '@tenon/core/contract'
import type { Admission } from '@tenon/core/transport'
import type { SecurityRequirement, SecurityScheme } from './document.ts'

/** What a document says of who may call an operation. */
export interface DescribedAccess {
  /** Any one of them suffices; empty where everybody may call. */
  readonly security: readonly SecurityRequirement[]
  /** A sentence for what `security` cannot say; undefined where it says all. */
  readonly note: string | undefined
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
 * @see OpenAPI 3.1, security requirement object: roles may be listed for every scheme that has no scopes of its own
 */
export function describeAccess(
  { access, hasPolicy }: Admission,
  schemes: Readonly<Record<string, SecurityScheme>>,
): DescribedAccess {
  if (access === 'public') {
    const note = hasPolicy ? 'What the input asks for is checked against the caller, who may be unknown.' : undefined
    return { security: [], note, needsCredential: false, mayForbid: hasPolicy }
  }
  const security = Object.entries(schemes).flatMap(([name, scheme]) =>
    requiredNames(access, scheme).map((names) => ({ [name]: names })),
  )
  const note = [noteOf(access), ...(hasPolicy ? ['What the input asks for is checked against the caller.'] : [])]
  return { security, note: note.join(' '), needsCredential: true, mayForbid: access !== 'authenticated' || hasPolicy }
}

/** What a scheme must carry, for each way to satisfy the rule by it. */
function requiredNames(
  access: Exclude<AccessRule, 'public'>,
  { type }: SecurityScheme,
): readonly (readonly string[])[] {
  if (typeof access === 'string' || access.check !== undefined) return [[]]
  if (access.scopes !== undefined) return [access.scopes]
  // The names of these schemes are scopes, which a role is not.
  return type === 'oauth2' || type === 'openIdConnect' ? [[]] : access.roles.map((role) => [role])
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
