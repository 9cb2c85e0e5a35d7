import type { Limiter } from '../../call/rule/limiter.ts'
import type { ContractInfo } from '../../contract/contract.ts'
import type { Breaker, BreakerFacts } from './breaker/breaker.ts'
import type { BulkheadSettings } from './bulkhead.ts'
import type { OperationSettings, RemoteSettings } from './remote-policy.ts'
import type { BudgetFacts, RetryBudget } from './repeat/retry-budget.ts'

/** What is in force for the calls of a remote, and how it stands, as `/info` tells it. */
export interface PolicyState {
  /** Those that have any. */
  readonly operations: readonly PolicedOperation[]
  /** That of the remote; undefined where it has none. */
  readonly breaker: BreakerFacts | undefined
  /** Undefined where no call is made again. */
  readonly budget: BudgetFacts | undefined
  readonly bulkheads: readonly BulkheadState[]
}

/** The policies of one operation. */
export interface PolicedOperation {
  readonly operation: string
  /** Longest time of a call. */
  readonly timeoutMs: number | undefined
  /** `fallback`, `cache`, …: from the caller inwards. */
  readonly policies: readonly string[]
}

/** How full a bulkhead is. */
export interface BulkheadState extends BulkheadSettings {
  /** Who shares its places. */
  readonly operations: readonly string[]
  readonly runningCount: number
  readonly waitingCount: number
}

/** What holds the calls of a remote. */
export interface PolicyKeepers {
  readonly breaker: Breaker | undefined
  readonly budget: RetryBudget
  readonly limiters: (settings: BulkheadSettings) => Limiter
}

export function policyStateOf(
  { operations }: ContractInfo,
  settings: RemoteSettings,
  { breaker, budget, limiters }: PolicyKeepers,
): PolicyState {
  const own = operations.map((operation) => ({ name: operation.name, ...settings.of(operation) }))
  const bulkheads = new Map<BulkheadSettings, string[]>()
  for (const { name, bulkhead } of own)
    if (bulkhead) bulkheads.set(bulkhead, [...(bulkheads.get(bulkhead) ?? []), name])
  return {
    operations: own
      .map((one) => ({ operation: one.name, timeoutMs: one.timeoutMs, policies: policiesOf(one, breaker) }))
      .filter(({ timeoutMs, policies }) => timeoutMs !== undefined || policies.length > 0),
    breaker: breaker?.facts,
    budget: own.some(({ retry, hedge }) => retry ?? hedge) ? budget.facts : undefined,
    bulkheads: Array.from(bulkheads, ([bulkhead, names]) => {
      const { runningCount, waitingCount } = limiters(bulkhead)
      return { operations: names, ...bulkhead, runningCount, waitingCount }
    }),
  }
}

function policiesOf(settings: OperationSettings, breaker: Breaker | undefined): readonly string[] {
  const { fallback, cache, isCoalesced: coalesce, bulkhead, retry, hedge } = settings
  const layers = Object.entries({ fallback, cache, coalesce, bulkhead, breaker, retry, hedge })
  return layers.filter(([, layer]) => layer !== undefined && layer !== false).map(([name]) => name)
}
