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
  giveWayTo(call: WaitingCall): Call | undefined {
    const last = this.#giving(call)?.at(-1)
    if (last !== undefined) this.delete(last)
    return last
  }

  /** Whether anybody has to. */
  givesWayTo(call: WaitingCall): boolean {
    return this.#giving(call) !== undefined
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
