import type { LockFile, LockMessage } from './lock-file.ts'

/** The names that a reference of a file may begin with: what it declares, and the parts of its package. */
export type DeclaredNames = ReadonlySet<string>

export function declaredNames({ package: owner, messages }: Pick<LockFile, 'package' | 'messages'>): DeclaredNames {
  const words = owner.split('.')
  const packages = words.map((_, index) => words.slice(0, index + 1).join('.'))
  return new Set([...packages, ...messages.flatMap(namesOf)])
}

/**
 * The full name that a reference means at a place: the innermost scope that knows its first word decides.
 *
 * @see Protocol Buffers language guide, packages and name resolution
 */
export function resolveName(reference: string, scope: string, declared: DeclaredNames): string | undefined {
  if (reference.startsWith('.')) return reference.slice(1)
  const [first = ''] = reference.split('.')
  for (let around = scope; around !== ''; around = outside(around)) {
    if (!declared.has(`${around}.${first}`)) continue
    const found = `${around}.${reference}`
    return declared.has(found) ? found : undefined
  }
  return reference
}

/** The shortest reference that means a name at a place. */
export function shortName(fullName: string, scope: string, declared: DeclaredNames): string {
  const words = fullName.split('.')
  const candidates = words.map((_, index) => words.slice(index).join('.')).reverse()
  const short = candidates.find((candidate) => resolveName(candidate, scope, declared) === fullName)
  return short ?? `.${fullName}`
}

function outside(scope: string): string {
  return scope.slice(0, Math.max(0, scope.lastIndexOf('.')))
}

function namesOf({ fullName, messages, enums }: LockMessage): readonly string[] {
  return [fullName, ...enums.map((one) => one.fullName), ...messages.flatMap(namesOf)]
}
