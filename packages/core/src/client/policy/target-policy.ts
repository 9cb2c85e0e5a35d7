import { toFound } from '../../error/given-value.ts'
import type { SetupProblem } from '../../error/setup-error.ts'
import type { OptionCheck } from '../../error/option-check.ts'
import type { Balancer } from '../balancer/balancer.ts'
import { peakEwma } from '../balancer/peak-ewma.ts'
import {
  checkEjection,
  ejectionDefaults,
  type EjectionOptions,
  type EjectionSettings,
} from '../target/ejection-options.ts'
import type { SubsetOptions } from '../target/subset.ts'
import { type BreakerPolicy, hasInstanceBreakers } from './breaker/breaker-policy.ts'

/** Which of several instances gets a call. */
export interface TargetPolicy {
  /** @defaultValue `peakEwma()` */
  readonly balancer?: Balancer
  /** The zone whose instances are called where they have room; false where zones do not matter. @defaultValue the zone of the service: TENON_ZONE, or `instance.zone` */
  readonly zone?: string | false
  /** Calls a part of the instances only, so that not every client has a connection to each. @defaultValue all are called */
  readonly subset?: SubsetOptions
  /** How long one that comes to others, or comes back after it was ejected, is given fewer calls, from a tenth on. @defaultValue 10_000 @remarks Range 0–600_000 ms; 0 for all at once */
  readonly warmUpMs?: number
  /** When one that fails its calls is given none for a while; false for never. @defaultValue `ejectionDefaults` */
  readonly ejection?: EjectionOptions | false
}

export const targetDefaults = Object.freeze({ warmUpMs: 10_000 } satisfies TargetPolicy)

/** How the instances of one remote are chosen. */
export interface TargetSettings {
  readonly balancer: Balancer
  /** Undefined where the service says it. */
  readonly zone: string | false | undefined
  readonly subset: SubsetOptions | undefined
  readonly warmUpMs: number
  /** Undefined where nobody is ejected. */
  readonly ejection: EjectionSettings | undefined
  /** Whether each has a breaker of its own. */
  readonly hasBreakers: boolean
}

/** With the defaults. */
export function resolveTargets(policy: TargetPolicy & { readonly breaker?: BreakerPolicy | boolean }): TargetSettings {
  const { balancer = peakEwma(), zone, subset, warmUpMs = targetDefaults.warmUpMs, ejection = {}, breaker } = policy
  return Object.freeze({
    balancer,
    zone,
    subset: subset && Object.freeze({ ...subset }),
    warmUpMs,
    ejection: ejection === false ? undefined : Object.freeze({ ...ejectionDefaults, ...ejection }),
    hasBreakers: hasInstanceBreakers(breaker),
  })
}

export const targetKeys = [
  'balancer',
  'zone',
  'subset',
  'warmUpMs',
  'ejection',
] as const satisfies readonly (keyof TargetPolicy)[]

export function checkTargets(check: OptionCheck, policy: TargetPolicy): readonly SetupProblem[] {
  const { balancer, zone, subset, warmUpMs, ejection } = policy
  return [
    ...(balancer === undefined || typeof Object(balancer).over === 'function'
      ? []
      : [check.malformed(`policy.balancer must be one such as peakEwma(), found ${toFound(balancer)}`)]),
    ...(zone === undefined || zone === false || (typeof zone === 'string' && zone !== '')
      ? []
      : [check.malformed(`policy.zone must be the name of a zone or false, found ${toFound(zone)}`)]),
    ...(subset === undefined ? [] : checkSubset(check, subset)),
    ...check.integer('policy.warmUpMs', warmUpMs, { min: 0, max: 600_000 }),
    ...checkEjection(check, ejection),
  ]
}

function checkSubset(check: OptionCheck, subset: unknown): readonly SetupProblem[] {
  if (typeof subset !== 'object' || subset === null)
    return [check.malformed(`policy.subset must be { instanceCount }, found ${toFound(subset)}`)]
  const { instanceCount = 0 }: Partial<SubsetOptions> = subset
  return [
    ...check.names(subset, ['instanceCount'], 'policy.subset'),
    ...check.integer('policy.subset.instanceCount', instanceCount, { min: 1, max: 10_000 }),
  ]
}
