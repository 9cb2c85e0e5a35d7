import type { Operation } from '../contract/operation.ts'
import { addOperation } from './handler-metadata.ts'
import type { AnyMethod, Fits, OperationMethod } from './method-type.ts'
import { type ServingOptions, toServing } from './serving-options.ts'

/**
 * Says that a method implements an operation: `@Implements(users.getUser)`. A method that does not fit does not compile.
 * The class needs `@Handles` with the operation's contract.
 *
 * @throws ContractError `contract.setting`
 */
export function Implements<Op extends Operation>(operation: Op, options: ServingOptions<NoInfer<Op>> = {}) {
  const serving = toServing(`@Implements(${operation.id})`, options)
  return <This, Method extends AnyMethod>(
    _method: Fits<NoInfer<Method>, OperationMethod<Op>>,
    context: ClassMethodDecoratorContext<This, Method>,
  ): void => {
    addOperation(context as ClassMethodDecoratorContext, { operation, serving })
  }
}
