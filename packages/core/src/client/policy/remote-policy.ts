import type { AnyContract, ContractInfo } from '../../contract/contract.ts'
import type { Operation } from '../../contract/operation.ts'
import { givenOnly, isRecord, toFound } from '../../error/given-value.ts'
import { type OptionCheck, optionCheck } from '../../error/option-check.ts'
import { ConfigError, type SetupProblem } from '../../error/setup-error.ts'
import { type BulkheadPolicy, type BulkheadSettings, checkBulkhead, resolveBulkhead } from './bulkhead.ts'
import { type BudgetPolicy, type BudgetSettings, checkBudget, resolveBudget } from './retry-budget.ts'
import { checkRetry, resolveRetry, type RetryPolicy, type RetrySettings } from './retry.ts'

/** How the calls of one operation are made. */
export interface OperationPolicy {
  /**
   * Longest time a call may take, with all its attempts and waits; never more than what the running call has left, and less where the call itself says so.
   * For all operations of a remote it counts for those without streams; for one operation it counts whatever it is.
   *
   * @defaultValue the contract's `timeoutMs` of the operation
   * @remarks Range 1–3_600_000 ms
   */
  readonly timeoutMs?: number
  /**
   * Whether a call that failed is made again, and when: `{}` for the defaults. What was not sent is made again whatever the operation is. Any other call only where
   * the contract says that the operation is `safe` or `idempotent`, and only after `unavailable`, after `resource_exhausted` with a delay that the remote
   * asks for, or after an attempt that took longer than `attemptTimeoutMs`. A delay that the remote asks for is waited; one longer than what the
   * call has left ends it at once. An output stream is begun again only before its first item, an input stream only before its second one was asked for.
   *
   * @defaultValue false: what was not sent goes to another address, where there is one, and all else fails
   */
  readonly retry?: RetryPolicy | false
  /**
   * How many calls there may be at a time; more fail as `resource_exhausted` with the reason `bulkhead_full`. That of the remote counts for all operations
   * together that have none of their own.
   *
   * @defaultValue false: any number
   */
  readonly bulkhead?: BulkheadPolicy | false
}

/** How the calls of a remote are made. */
export interface RemotePolicy<Of extends AnyContract = AnyContract> extends OperationPolicy {
  /** How many attempts beyond the first of each call there may be, over all operations. */
  readonly budget?: BudgetPolicy
  /**
   * Whether calls are refused before they are sent, as `unavailable` with the reason `breaker_open`, while the remote fails more than half of them: in that
   * proportion, and four fifths at most. `unavailable`, `deadline_exceeded` and `resource_exhausted` count as failed, over three seconds, from 20 calls on.
   *
   * @defaultValue false
   */
  readonly breaker?: boolean
  /** What is different for some operations, by their names. Each key takes the place of the remote's own as a whole. */
  readonly operations?: { readonly [Name in OperationName<Of>]?: OperationPolicy }
}

type OperationName<Of> = {
  [Name in keyof Of & string]: Of[Name] extends Operation ? Name : never
}[keyof Of & string]

/** What is in force for one operation. */
export interface OperationSettings {
  readonly timeoutMs: number | undefined
  readonly retry: RetrySettings | undefined
  /** The same object for operations that share their places. */
  readonly bulkhead: BulkheadSettings | undefined
}

/** What is in force for a remote. */
export interface RemoteSettings {
  readonly budget: BudgetSettings
  readonly hasBreaker: boolean
  of(operation: Operation): OperationSettings
}

/**
 * The policy of a remote, with its defaults.
 *
 * @throws ConfigError `config.malformed`, `config.out_of_range`, with all that is wrong
 */
export function resolvePolicy({ name, operations }: ContractInfo, policy: RemotePolicy): RemoteSettings {
  const problems = checkPolicy(optionCheck(`remote(${name})`), operations, policy)
  if (problems.length > 0) throw new ConfigError(problems)
  const { budget, breaker: hasBreaker = false, operations: own = {}, timeoutMs, bulkhead, ...common } = policy
  const shared = bulkhead ? resolveBulkhead(bulkhead) : undefined
  const settings = new Map(
    operations.map((operation) => {
      const given = {
        ...(operation.kind === 'unary' && { timeoutMs }),
        ...common,
        ...givenOnly(own[operation.name] ?? {}),
      }
      return [operation.name, resolveOperation(given, shared)] as const
    }),
  )
  return { budget: resolveBudget(budget), hasBreaker, of: ({ name: of }) => settings.get(of) ?? resolveOperation({}) }
}

function resolveOperation(
  { timeoutMs, retry, bulkhead }: OperationPolicy,
  common?: BulkheadSettings,
): OperationSettings {
  return Object.freeze({
    timeoutMs,
    retry: retry ? resolveRetry(retry) : undefined,
    bulkhead: bulkhead === undefined ? common : bulkhead ? resolveBulkhead(bulkhead) : undefined,
  })
}

const operationKeys = ['timeoutMs', 'retry', 'bulkhead'] as const satisfies readonly (keyof OperationPolicy)[]
const remoteKeys = [
  ...operationKeys,
  'budget',
  'breaker',
  'operations',
] as const satisfies readonly (keyof RemotePolicy)[]

function checkPolicy(
  check: OptionCheck,
  operations: readonly Operation[],
  policy: RemotePolicy,
): readonly SetupProblem[] {
  const names = operations.map(({ name }) => name)
  return checkRecord({ check, where: 'policy' }, policy, (given) => [
    ...check.names(given, remoteKeys, 'policy'),
    ...checkOperation({ check, where: 'policy' }, given),
    ...check.boolean('policy.breaker', given.breaker),
    ...checkRecord({ check, where: 'policy.budget' }, given.budget, (budget) => checkBudget(check, budget)),
    ...checkRecord({ check, where: 'policy.operations' }, given.operations, (own, { where }) => [
      ...check.names(own, names, where),
      ...Object.entries(own).flatMap(([name, one]) => checkOwn({ check, where: `${where}.${name}` }, one)),
    ]),
  ])
}

function checkOwn(place: Place, own: OperationPolicy | undefined): readonly SetupProblem[] {
  return checkRecord(place, own, (given, { check, where }) => [
    ...check.names(given, operationKeys, where),
    ...checkOperation(place, given),
  ])
}

function checkOperation(
  { check, where }: Place,
  { timeoutMs, retry, bulkhead }: OperationPolicy,
): readonly SetupProblem[] {
  return [
    ...check.integer(`${where}.timeoutMs`, timeoutMs, { min: 1, max: 3_600_000 }),
    ...checkRecord({ check, where: `${where}.retry` }, retry === false ? undefined : retry, (given, place) =>
      checkRetry(check, place.where, given),
    ),
    ...checkRecord({ check, where: `${where}.bulkhead` }, bulkhead === false ? undefined : bulkhead, (given, place) =>
      checkBulkhead(check, place.where, given),
    ),
  ]
}

interface Place {
  readonly check: OptionCheck
  /** `policy.retry` */
  readonly where: string
}

/** What is left out is right. */
function checkRecord<Given extends object>(
  { check, where }: Place,
  given: Given | undefined,
  inside: (given: Given, place: Place) => readonly SetupProblem[],
): readonly SetupProblem[] {
  if (given === undefined) return []
  if (isRecord(given)) return inside(given, { check, where })
  return [check.malformed(`${where} must be an object, found ${toFound(given)}`)]
}
