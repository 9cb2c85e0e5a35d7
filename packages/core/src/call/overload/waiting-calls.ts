import { criticalities } from './criticality.ts'

/** A call that wants its turn. */
export interface WaitingCall {
  /** 0 is the most critical. */
  readonly rank: number
  readonly tenant: string
}

/**
 * Calls that wait: the most critical is next, of equals one of each tenant in turn, and of one tenant who came first. Who has to leave for
 * another is of the least critical, of the tenant that has most of them, and came last.
 */
export class WaitingCalls<Call extends WaitingCall> {
  /** By rank; tenants in the order of their turns, each with its calls in theirs. None is empty. */
  readonly #ranks: readonly Map<string, Call[]>[] = criticalities.map(() => new Map())
  #count = 0

  get count(): number {
    return this.#count
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
  giveWayTo(call: Call): Call | undefined {
    for (let rank = this.#ranks.length - 1; rank >= call.rank; rank -= 1) {
      const tenants = this.#ranks[rank] ?? new Map<string, Call[]>()
      const [tenant, calls] = largest(tenants)
      if (calls === undefined) continue
      const own = tenants.get(call.tenant)?.length ?? 0
      if (rank === call.rank && calls.length <= own + 1) return undefined
      const last = calls.pop()
      if (calls.length === 0) tenants.delete(tenant)
      this.#count -= 1
      return last
    }
    return undefined
  }

  /** It waits no more. */
  delete(call: Call): void {
    const tenants = this.#tenantsOf(call)
    const calls = tenants.get(call.tenant) ?? []
    const index = calls.indexOf(call)
    if (index < 0) return
    calls.splice(index, 1)
    if (calls.length === 0) tenants.delete(call.tenant)
    this.#count -= 1
  }

  [Symbol.iterator](): Iterator<Call> {
    return this.#ranks.flatMap((tenants) => [...tenants.values()].flat())[Symbol.iterator]()
  }

  #tenantsOf({ rank }: Call): Map<string, Call[]> {
    const tenants = this.#ranks[rank]
    if (tenants === undefined) throw new RangeError(`expected a rank below ${this.#ranks.length}, found ${rank}`)
    return tenants
  }
}

function largest<Call>(tenants: ReadonlyMap<string, Call[]>): readonly [string, Call[] | undefined] {
  let found: readonly [string, Call[] | undefined] = ['', undefined]
  for (const entry of tenants) if (entry[1].length > (found[1]?.length ?? 0)) found = entry
  return found
}
