import type { ContractInfo } from '../../contract/contract.ts'
import type { Operation } from '../../contract/operation.ts'
import { isRecord, toFound } from '../../error/given-value.ts'
import { type OptionCheck, optionCheck } from '../../error/option-check.ts'
import type { SetupProblem } from '../../error/setup-error.ts'
import { checkCache } from './answer/answer-cache.ts'
import { checkBreaker } from './breaker/breaker-policy.ts'
import { checkBulkhead } from './bulkhead.ts'
import { checkHedge } from './repeat/hedge.ts'
import type { OperationPolicy, OwnPolicy, RemotePolicy } from './remote-policy.ts'
import { checkBudget } from './repeat/retry-budget.ts'
import { checkRetry } from './repeat/retry.ts'
import { checkTargets, targetKeys } from './target-policy.ts'

/** What is wrong with the policy of a remote: `config.malformed`, `config.out_of_range`, each with the key that it is about. */
export function checkPolicy({ name, operations }: ContractInfo, policy: RemotePolicy): readonly SetupProblem[] {
  const check = optionCheck(`remote(${name})`)
  return checkRecord({ check, where: 'policy' }, policy, (given) => [
    ...check.names(given, remoteKeys, 'policy'),
    ...checkCommon({ check, where: 'policy' }, given),
    ...checkBreaker(check, given.breaker),
    ...checkTargets(check, given),
    ...checkRecord({ check, where: 'policy.budget' }, given.budget, (budget) => checkBudget(check, budget)),
    ...checkRecord({ check, where: 'policy.operations' }, given.operations, (own, { where }) => [
      ...check.names(
        own,
        operations.map((operation) => operation.name),
        where,
      ),
      ...operations.flatMap((operation) =>
        checkOwn({ check, where: `${where}.${operation.name}` }, operation, Reflect.get(own, operation.name)),
      ),
    ]),
  ])
}

/** Whether the answer to a call may be another one's: it is asked for once, and nothing changes by it. */
export function isShareable({ kind, idempotency }: Operation): boolean {
  return kind === 'unary' && idempotency === 'safe'
}

const commonKeys = [
  'timeoutMs',
  'retry',
  'hedge',
  'bulkhead',
  'cache',
  'coalesce',
] as const satisfies readonly (keyof OperationPolicy)[]
const ownKeys = [...commonKeys, 'fallback'] as const satisfies readonly (keyof OwnPolicy)[]
const remoteKeys = [
  ...commonKeys,
  ...targetKeys,
  'budget',
  'breaker',
  'operations',
] as const satisfies readonly (keyof RemotePolicy)[]

function checkOwn(place: Place, operation: Operation, own: OwnPolicy | undefined): readonly SetupProblem[] {
  return checkRecord(place, own, (given, { check, where }) => [
    ...check.names(given, ownKeys, where),
    ...checkCommon(place, given),
    ...checkKind(place, operation, given),
    ...(given.fallback === undefined || typeof given.fallback === 'function'
      ? []
      : [check.malformed(`${where}.fallback must be a function, found ${toFound(given.fallback)}`)]),
  ])
}

function checkKind({ check, where }: Place, operation: Operation, given: OwnPolicy): readonly SetupProblem[] {
  const forSafe = (['hedge', 'cache', 'coalesce'] as const).filter((key) => given[key] && !isShareable(operation))
  const isStream = given.fallback !== undefined && operation.kind !== 'unary'
  return [
    ...forSafe.map((key) => check.malformed(`${where}.${key} is for operations without streams that are safe`)),
    ...(isStream ? [check.malformed(`${where}.fallback is for operations without streams`)] : []),
  ]
}

function checkCommon({ check, where }: Place, given: OperationPolicy): readonly SetupProblem[] {
  const { timeoutMs, retry, hedge, bulkhead, cache, coalesce } = given
  const at = (key: string): Place => ({ check, where: `${where}.${key}` })
  return [
    ...check.integer(`${where}.timeoutMs`, timeoutMs, { min: 1, max: 3_600_000 }),
    ...checkSwitch(at('retry'), retry, (one, place) => checkRetry(check, place.where, one)),
    ...checkSwitch(at('hedge'), hedge, (one, place) => checkHedge(check, place.where, one)),
    ...checkSwitch(at('bulkhead'), bulkhead, (one, place) => checkBulkhead(check, place.where, one)),
    ...checkSwitch(at('cache'), cache, (one, place) => checkCache(check, place.where, one)),
    ...check.boolean(`${where}.coalesce`, coalesce),
  ]
}

interface Place {
  readonly check: OptionCheck
  /** `policy.retry` */
  readonly where: string
}

type Inside<Given> = (given: Given, place: Place) => readonly SetupProblem[]

/** `false` is off. */
function checkSwitch<Given extends object>(place: Place, given: Given | false | undefined, inside: Inside<Given>) {
  return checkRecord(place, given === false ? undefined : given, inside)
}

/** What is left out is right. */
function checkRecord<Given extends object>(
  { check, where }: Place,
  given: Given | undefined,
  inside: Inside<Given>,
): readonly SetupProblem[] {
  if (given === undefined) return []
  if (isRecord(given)) return inside(given, { check, where })
  return [check.malformed(`${where} must be an object, found ${toFound(given)}`)]
}
