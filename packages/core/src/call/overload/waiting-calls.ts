import { criticalities } from './criticality.ts'

/** A call that wants its turn. */
export interface WaitingCall {
  /** 0 is the most critical. */
  readonly rank: number
  readonly tenant: string
}

/**
 * Calls that wait: the most critical is next, of equals one of each tenant in turn, and of one tenant who came first. Who has to leave for
 * another is of the least critical, of the tenant that has most of them, and came last. Of some only the head has come: they wait soon.
 */
export class WaitingCalls<Call extends WaitingCall> {
  /** By rank; tenants in the order of their turns, each with its calls in theirs. None is empty. */
  readonly #ranks: readonly Map<string, Call[]>[] = criticalities.map(() => new Map())
  /** How many of each tenant will wait soon, by rank. */
  readonly #expected: readonly Map<string, number>[] = criticalities.map(() => new Map())
  #count = 0
  #expectedCount = 0

  get count(): number {
    return this.#count
  }

  /** With those that will wait soon. */
  get countSoon(): number {
    return this.#count + this.#expectedCount
  }

  /** It will wait soon. */
  expect({ rank, tenant }: WaitingCall): void {
    const tenants = this.#expected[rank]
    tenants?.set(tenant, (tenants.get(tenant) ?? 0) + 1)
    this.#expectedCount += 1
  }

  /** It is expected no more; does nothing when it was not. */
  unexpect({ rank, tenant }: WaitingCall): void {
    const tenants = this.#expected[rank]
    const count = tenants?.get(tenant)
    if (count === undefined) return
    if (count === 1) tenants?.delete(tenant)
    else tenants?.set(tenant, count - 1)
    this.#expectedCount -= 1
  }

  /** None is. */
  expectNone(): void {
    for (const tenants of this.#expected) tenants.clear()
    this.#expectedCount = 0
  }

  add(call: Call): void {
    const tenants = this.#tenantsOf(call)
    const calls = tenants.get(call.tenant)
    if (calls === undefined) tenants.set(call.tenant, [call])
    else calls.push(call)
    this.#count += 1
  }

  /** Takes out who is next. */
  next(): Call | undefined {
    for (const tenants of this.#ranks) {
      for (const [tenant, calls] of tenants) {
        const call = calls.shift()
        this.#count -= 1
        // Behind the others, for its next turn.
        tenants.delete(tenant)
        if (calls.length > 0) tenants.set(tenant, calls)
        return call
      }
    }
    return undefined
  }

  /** Takes out who has to leave so that the call can come in its place; undefined when nobody has to. */
  giveWayTo(call: WaitingCall): Call | undefined {
    const last = this.#giving(call)?.at(-1)
    if (last !== undefined) this.delete(last)
    return last
  }

  /** Whether anybody has to, or will when those wait that are expected. */
  givesWayTo({ rank, tenant }: WaitingCall): boolean {
    for (let lower = rank + 1; lower < this.#ranks.length; lower += 1) if (this.#soonOf(lower).length > 0) return true
    const own = this.#countSoonOf(rank, tenant)
    return this.#soonOf(rank).some((other) => this.#countSoonOf(rank, other) > own + 1)
  }

  /** It waits no more. */
  delete(call: Call): void {
    const tenants = this.#tenantsOf(call)
    const calls = tenants.get(call.tenant) ?? []
    const index = calls.lastIndexOf(call)
    if (index < 0) return
    calls.splice(index, 1)
    if (calls.length === 0) tenants.delete(call.tenant)
    this.#count -= 1
  }

  [Symbol.iterator](): Iterator<Call> {
    return this.#ranks.flatMap((tenants) => [...tenants.values()].flat())[Symbol.iterator]()
  }

  /** The calls of whose tenant the last has to leave. */
  #giving(call: WaitingCall): readonly Call[] | undefined {
    for (let rank = this.#ranks.length - 1; rank >= call.rank; rank -= 1) {
      const tenants = this.#ranks[rank] ?? new Map<string, Call[]>()
      const calls = largest(tenants)
      if (calls === undefined) continue
      const own = tenants.get(call.tenant)?.length ?? 0
      return rank === call.rank && calls.length <= own + 1 ? undefined : calls
    }
    return undefined
  }

  /** Tenants of which calls wait or will soon; of which both is so, twice. */
  #soonOf(rank: number): readonly string[] {
    return [...(this.#ranks[rank]?.keys() ?? []), ...(this.#expected[rank]?.keys() ?? [])]
  }

  #countSoonOf(rank: number, tenant: string): number {
    return (this.#ranks[rank]?.get(tenant)?.length ?? 0) + (this.#expected[rank]?.get(tenant) ?? 0)
  }

  #tenantsOf({ rank }: Call): Map<string, Call[]> {
    const tenants = this.#ranks[rank]
    if (tenants === undefined) throw new RangeError(`expected a rank below ${this.#ranks.length}, found ${rank}`)
    return tenants
  }
}

function largest<Call>(tenants: ReadonlyMap<string, Call[]>): readonly Call[] | undefined {
  let found: readonly Call[] | undefined
  for (const calls of tenants.values()) if (calls.length > (found?.length ?? 0)) found = calls
  return found
}
