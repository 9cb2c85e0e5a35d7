import type { AnyContract, ContractInfo } from '../../contract/contract.ts'
import type { InputToSend, Operation } from '../../contract/operation.ts'
import { givenOnly } from '../../error/given-value.ts'
import type { ServiceError } from '../../error/service-error.ts'
import { ConfigError } from '../../error/setup-error.ts'
import type { WireOf } from '../../schema/schema.ts'
import { type CachePolicy, type CacheSettings, resolveCache } from './answer/answer-cache.ts'
import type { BreakerPolicy } from './breaker/breaker-policy.ts'
import { type BulkheadPolicy, type BulkheadSettings, resolveBulkhead } from './bulkhead.ts'
import { checkPolicy, isShareable } from './check-policy.ts'
import type { Fallback } from './answer/fallback.ts'
import { type HedgePolicy, type HedgeSettings, resolveHedge } from './repeat/hedge.ts'
import { type BudgetPolicy, type BudgetSettings, resolveBudget } from './repeat/retry-budget.ts'
import { resolveRetry, type RetryPolicy, type RetrySettings } from './repeat/retry.ts'
import { resolveTargets, type TargetPolicy, type TargetSettings } from './target-policy.ts'

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
   * Whether a second attempt goes out beside one that takes long, and when: `{}` for the defaults. The first answer counts, the other attempt is cancelled. Only for calls
   * without streams of operations that are `safe`; that of the remote leaves out the others.
   *
   * @defaultValue false
   * @throws ConfigError `config.malformed` for an operation of another kind
   */
  readonly hedge?: HedgePolicy | false
  /**
   * How many calls there may be at a time; more fail as `resource_exhausted` with the reason `bulkhead_full`. That of the remote counts for all operations
   * together that have none of their own.
   *
   * @defaultValue false: any number
   */
  readonly bulkhead?: BulkheadPolicy | false
  /**
   * Whether an answer is used again for calls with the same input and metadata, but for what traces a call. Nobody is told of headers and trailers then. For the same operations as `hedge`.
   *
   * @defaultValue false
   */
  readonly cache?: CachePolicy | false
  /**
   * Whether calls that ask for the same at the same time share one, which goes on while somebody waits for it. For the same operations as `hedge`.
   *
   * @defaultValue false
   */
  readonly coalesce?: boolean
}

/** How the calls of one operation are made, with what depends on its types. */
export interface OwnPolicy<Op extends Operation = Operation> extends OperationPolicy {
  /**
   * Answers in the place of a remote that failed as `unavailable`, `deadline_exceeded`, `resource_exhausted`, `internal`, `unknown` or `data_loss`, whether or not anything was sent. Gets
   * the failure and the input, and gives the output as the remote would send it; it may throw the failure. For operations without streams.
   * It has the last tenth of the call's time, at most 50 ms, and the remote what is before. Where the client has interceptors, a call whose fallback takes longer ends at its deadline.
   *
   * @defaultValue the call fails
   */
  readonly fallback?: (
    failure: ServiceError,
    input: InputToSend<Op>,
  ) => WireOf<Op['spec']['output']> | Promise<WireOf<Op['spec']['output']>>
}

/** How the calls of a remote are made, and who of several instances gets them. */
export interface RemotePolicy<Of extends AnyContract = AnyContract> extends OperationPolicy, TargetPolicy {
  /** How many attempts beyond the first of each call there may be, over all operations. */
  readonly budget?: BudgetPolicy
  /**
   * Whether calls are refused before they are sent, as `unavailable` with the reason `breaker_open`, while the remote fails more than half of them: in that
   * proportion, and four fifths at most. `unavailable`, `deadline_exceeded` and `resource_exhausted` count as failed, over one and a half seconds, from 20 calls on.
   * Each of several instances has the same for itself, over three seconds, and is passed over for another; `{ perInstance: false }` for the remote alone.
   *
   * @defaultValue false
   */
  readonly breaker?: BreakerPolicy | boolean
  /** What is different for some operations, by their names. Each key takes the place of the remote's own as a whole. */
  readonly operations?: { readonly [Name in OperationName<Of>]?: OwnPolicy<OperationOf<Of[Name]>> }
}

type OperationName<Of> = {
  [Name in keyof Of & string]: Of[Name] extends Operation ? Name : never
}[keyof Of & string]

type OperationOf<Op> = Op extends Operation ? Op : never

/** What is in force for one operation. */
export interface OperationSettings {
  readonly timeoutMs: number | undefined
  readonly retry: RetrySettings | undefined
  readonly hedge: HedgeSettings | undefined
  /** The same object for operations that share their places. */
  readonly bulkhead: BulkheadSettings | undefined
  readonly cache: CacheSettings | undefined
  readonly isCoalesced: boolean
  readonly fallback: Fallback | undefined
}

/** What is in force for a remote. */
export interface RemoteSettings {
  readonly budget: BudgetSettings
  readonly hasBreaker: boolean
  readonly targets: TargetSettings
  of(operation: Operation): OperationSettings
}

/**
 * The policy of a remote, with its defaults.
 *
 * @throws ConfigError `config.malformed`, `config.out_of_range`, with all that is wrong
 */
export function resolvePolicy(contract: ContractInfo, policy: RemotePolicy): RemoteSettings {
  const problems = checkPolicy(contract, policy)
  if (problems.length > 0) throw new ConfigError(problems)
  const { budget, breaker = false, operations: own = {}, ...common } = policy
  const bulkhead = common.bulkhead ? resolveBulkhead(common.bulkhead) : undefined
  const settings = new Map(
    contract.operations.map((operation) => {
      const given: OwnPolicy = Reflect.get(own, operation.name) ?? {}
      return [
        operation.id,
        resolveOperation({ ...commonFor(operation, common), ...givenOnly(given) }, bulkhead),
      ] as const
    }),
  )
  return {
    budget: resolveBudget(budget),
    hasBreaker: breaker !== false,
    targets: resolveTargets(policy),
    of: ({ id }) => settings.get(id) ?? resolveOperation({}),
  }
}

/** What a remote says of all its operations, as far as it concerns this one. */
function commonFor(operation: Operation, { timeoutMs, retry, hedge, cache, coalesce }: OperationPolicy): OwnPolicy {
  const { kind } = operation
  // The first item of one stream comes at once, that of another one when something happens.
  const hasOutputStream = kind === 'server_stream' || kind === 'bidi_stream'
  return {
    ...(kind === 'unary' && timeoutMs !== undefined && { timeoutMs }),
    ...(retry && { retry: hasOutputStream ? withoutAttemptTimeout(retry) : retry }),
    ...(isShareable(operation) && { hedge: hedge ?? false, cache: cache ?? false, coalesce: coalesce ?? false }),
  }
}

function withoutAttemptTimeout({ attemptTimeoutMs: _unused, ...retry }: RetryPolicy): RetryPolicy {
  return retry
}

function resolveOperation(given: OwnPolicy, common?: BulkheadSettings): OperationSettings {
  const { timeoutMs, retry, hedge, bulkhead, cache, coalesce = false, fallback } = given
  return Object.freeze({
    timeoutMs,
    retry: retry ? resolveRetry(retry) : undefined,
    hedge: hedge ? resolveHedge(hedge) : undefined,
    bulkhead: bulkhead ? resolveBulkhead(bulkhead) : bulkhead === false ? undefined : common,
    cache: cache ? resolveCache(cache) : undefined,
    isCoalesced: coalesce,
    fallback: fallback as Fallback | undefined,
  })
}
