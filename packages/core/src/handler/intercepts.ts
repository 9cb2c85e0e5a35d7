import type { Interceptor } from '../call/rule/interceptor.ts'
import { writableMetadata } from './handler-metadata.ts'

/**
 * Puts interceptors around one method, or around all methods of a class, outermost first: `@Intercepts(audit)`. Those of
 * the service stand outside those of the class, which stand outside those of the method.
 */
export function Intercepts(...interceptors: readonly Interceptor[]) {
  return (_value: unknown, context: ClassDecoratorContext | ClassMethodDecoratorContext): void => {
    const member = context.kind === 'class' ? '' : String(context.name)
    const byMember = writableMetadata(context).interceptors
    // Decorators of one member run from the innermost out.
    byMember.set(member, [...interceptors, ...(byMember.get(member) ?? [])])
  }
}
