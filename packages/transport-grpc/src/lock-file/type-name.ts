import type { LockFile, LockMessage } from './lock-file.ts'

/** The names that a reference of a file may begin with: what it declares, and the parts of its package. */
export type DeclaredNames = ReadonlySet<string>

/** @param file Without its service where a reference is read: a method is no type. Compilers stop at it all the same. */
export function declaredNames(file: Pick<LockFile, 'package' | 'messages'> & Partial<LockFile>): DeclaredNames {
  const { package: owner, messages, service } = file
  const words = owner.split('.')
  const packages = words.map((_, index) => words.slice(0, index + 1).join('.'))
  const methods = service?.methods.map(({ name }) => `${owner}.${service.name}.${name}`) ?? []
  const services = service ? [`${owner}.${service.name}`, ...methods] : []
  return new Set([...packages, ...services, ...messages.flatMap(namesOf)])
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
