import { leastRequests, type RemotePolicy } from '@tenon/core'
import type { ClientTransport } from '@tenon/core/client'
import { grpcClient } from '@tenon/transport-grpc'
import { httpClient } from '@tenon/transport-http'
import type { users } from './fixture/user-contract.ts'
import { OpenCalls } from './open-calls.ts'
import type { MadeCalls } from './phase-table.ts'
import { startCaller, type UserCaller } from './user-caller.ts'

type Policy = RemotePolicy<typeof users>

const retrying: Policy = {
  // Longer than anybody is frozen, and than a busy machine stands still.
  timeoutMs: 20_000,
  retry: { maxAttemptCount: 10, attemptTimeoutMs: 1_000 },
  hedge: { percentile: 0.99 },
  breaker: true,
  // While a busy machine stands still, all attempts come to their end at once.
  budget: { minPerSecond: 50 },
  operations: { watchUser: { timeoutMs: 20_000, retry: { maxAttemptCount: 10, attemptTimeoutMs: 1_000 } } },
}

const policies: Readonly<Record<string, Policy>> = {
  'with retries': retrying,
  'with retries, leastRequests()': { ...retrying, balancer: leastRequests(), ejection: { baseMs: 1_000 } },
  'without retries': { timeoutMs: 1_000, operations: { watchUser: { timeoutMs: 1_000 } } },
}

/** Whether calls of the policy with this name are made again. */
export function isRetrying(policy: string): boolean {
  return policies[policy]?.retry !== undefined
}

const wires: Readonly<Record<string, () => ClientTransport>> = { http: () => httpClient(), grpc: () => grpcClient() }

/** One that calls, and what it is. */
export interface RunningCaller extends UserCaller {
  readonly protocol: string
  readonly policy: string
  readonly load: OpenCalls
}

/** Where instances are, for each protocol. */
export interface UserPlace {
  readonly at: (protocol: string) => string
}

/** Callers over each protocol and with each policy, who call all the time. */
export class CallRun implements AsyncDisposable {
  readonly callers: readonly RunningCaller[]

  readonly #perSecond: number

  private constructor(callers: readonly RunningCaller[], perSecond: number) {
    this.callers = callers
    this.#perSecond = perSecond
  }

  /** @param perSecond How many calls each of them makes in a second. */
  static async start({ at }: UserPlace, perSecond: number): Promise<CallRun> {
    const callers = Object.entries(wires).flatMap(([protocol, via]) =>
      Object.entries(policies).map(async ([name, policy]) => {
        const caller = await startCaller({ via: via(), at: at(protocol), policy })
        return { ...caller, protocol, policy: name, load: new OpenCalls(caller, perSecond) }
      }),
    )
    return new CallRun(await Promise.all(callers), perSecond)
  }

  /** Calls that begin from now on belong to a phase. Resolves when those before it have ended, if nothing held them up. */
  async enter(phase: string): Promise<void> {
    for (const { load } of this.callers) load.enter(phase)
    await this.pass(settleSeconds)
  }

  /** Resolves when the calls of so many seconds have begun. */
  async pass(seconds: number): Promise<void> {
    await Promise.all(this.callers.map(({ load }) => load.begun(Math.ceil(seconds * this.#perSecond))))
  }

  /** Makes no more calls, and gives all when they have ended. */
  async finish(): Promise<readonly MadeCalls[]> {
    return Promise.all(
      this.callers.map(async ({ protocol, policy, load }) => ({ protocol, policy, calls: await load.finish() })),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.finish()
    await Promise.all(this.callers.map((caller) => caller[Symbol.asyncDispose]()))
  }
}

/** Several times what a call takes. */
const settleSeconds = 0.2
