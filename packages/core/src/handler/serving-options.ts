import { criticalities, type Criticality, toCriticality } from '../call/overload/criticality.ts'
import type { Policy } from '../call/rule/access.ts'
import { toDelivery } from '../contract/check-delivery.ts'
import { checkAccess } from '../contract/check-settings.ts'
import type { DeliveryOptions } from '../contract/delivery.ts'
import type { AccessRule, Input, Operation } from '../contract/operation.ts'
import { ContractError, type SetupProblem } from '../error/setup-error.ts'

/** What the side that serves an operation says of it; callers, who share the contract, need not know. */
export interface ServingOptions<Op extends Operation = Operation> {
  /** Who may call, where the contract does not say. @defaultValue the class's `access`, else the service's `defaultAccess` */
  readonly access?: AccessRule
  /** Whether a caller may do what its input asks for. */
  readonly policy?: Policy<Input<Op>>
  /** How many calls of this operation run at the same time; the next wait as `maxQueuedCalls` of the service says. @remarks A whole number above 0 */
  readonly maxConcurrentCalls?: number
  /**
   * How much is lost when a call is refused, unless its caller says so by `x-criticality`: with `overload` of the service the least critical are
   * refused first. Calls that the handler makes carry it on.
   *
   * @defaultValue `overload.criticality`
   */
  readonly criticality?: Criticality
  /** How its commands are delivered, where the contract binds it to a queue. @defaultValue as the transport's options say */
  readonly queue?: DeliveryOptions
}

/** The same, for any operation. */
export interface Serving {
  readonly access: AccessRule | undefined
  readonly policy: Policy | undefined
  readonly maxConcurrentCalls: number | undefined
  readonly criticality: Criticality | undefined
  readonly delivery: DeliveryOptions | undefined
}

/** @throws ContractError `contract.setting` naming the place */
export function toServing<Op extends Operation>(where: string, options: ServingOptions<Op>): Serving {
  const { access, policy, maxConcurrentCalls, criticality, queue } = options
  const problems: SetupProblem[] = access === undefined ? [] : [...checkAccess(where, access)]
  if (maxConcurrentCalls !== undefined && !(Number.isSafeInteger(maxConcurrentCalls) && maxConcurrentCalls > 0)) {
    const message = `${where}: maxConcurrentCalls must be a whole number above 0, found ${maxConcurrentCalls}`
    problems.push({ code: 'contract.setting', message })
  }
  if (criticality !== undefined && toCriticality(criticality) === undefined) {
    const message = `${where}: criticality must be one of ${criticalities.join(', ')}, found ${String(criticality)}`
    problems.push({ code: 'contract.setting', message })
  }
  if (policy !== undefined && typeof policy !== 'function')
    problems.push({ code: 'contract.setting', message: `${where}: policy must be a function` })
  if (problems.length > 0) throw new ContractError(problems)
  const delivery = queue === undefined ? undefined : toDelivery(`${where}: queue`, queue)
  return Object.freeze({ access, policy: policy as Policy | undefined, maxConcurrentCalls, criticality, delivery })
}
