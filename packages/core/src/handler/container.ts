import { SetupError, type SetupProblem, WiringError } from '../error/setup-error.ts'
import type { HealthCheckSettings } from './check-settings.ts'
import { injectWith } from './inject.ts'
import { isAnswerTo } from './is-answer-to.ts'
import { type CreateContext, isConstructible, type Provider, type Token, tokenName } from './provider.ts'
import { classCycle, hiddenMessage, missingMessage, type ProviderPlan } from './provider-graph.ts'
import { ReleaseList } from './release-list.ts'

/** A provider's value, and how it is checked. */
export interface Provided {
  readonly name: string
  readonly check: ((signal: AbortSignal) => unknown) | undefined
  readonly checkSettings: HealthCheckSettings | undefined
}

export interface ContainerOptions {
  /** Is told what failed after the creation had failed or was given up, when nobody waits for it any more. */
  readonly onLateFailure: (message: string, cause: unknown) => void
  /** Calls what a provider creates with, and what releases. @defaultValue with nothing around it */
  readonly around?: <Result>(work: () => Result | Promise<Result>) => Promise<Result>
}

/** Holds what the providers made, and releases it in reverse order of creation. */
export class Container {
  readonly #plan: ProviderPlan
  readonly #onLateFailure: ContainerOptions['onLateFailure']
  readonly #around: NonNullable<ContainerOptions['around']>
  readonly #values = new Map<Token, unknown>()
  readonly #provided: Provided[] = []
  readonly #releases = new ReleaseList()
  readonly #constructing: Token[] = []
  /** What is being created. */
  readonly #pending = new Map<Token, Promise<void>>()
  readonly #givenUp = new AbortController()
  readonly #failed = Promise.withResolvers<never>()
  #isReleased = false

  constructor(plan: ProviderPlan, { onLateFailure, around = async (work) => work() }: ContainerOptions) {
    this.#plan = plan
    this.#onLateFailure = onLateFailure
    this.#around = around
  }

  /**
   * Creates the planned providers, side by side where none waits for another. Rejects at the first failure: nothing more is
   * begun then, and what is under way is told to give up. The same happens when the signal fires, but then all that is under
   * way is awaited. `dispose` releases what was created, also what comes later.
   *
   * @throws WiringError `wiring.create_failed`, or the reason of the signal.
   */
  async create(signal: AbortSignal): Promise<void> {
    const giveUp = () => this.#givenUp.abort(signal.reason)
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      const running = new Map<Token, Promise<void>>()
      for (const provider of this.#plan.order) running.set(provider.token, this.#createInTurn(provider, running))
      await Promise.race([Promise.all(running.values()), this.#failed.promise])
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
    signal.throwIfAborted()
  }

  /**
   * Runs a construction whose `inject()` calls are answered from here.
   *
   * @throws WiringError `wiring.create_failed` for what the construction itself threw.
   */
  construct<Result>(name: string, make: () => Result): Result {
    try {
      return injectWith((token) => this.#resolve(token, name), make)
    } catch (error) {
      if (error instanceof SetupError) throw error
      throw new WiringError([createFailed(name, error)], error)
    }
  }

  /** What was created for a token; undefined where nothing was. */
  valueFor(token: Token): unknown {
    return this.#values.get(token)
  }

  /** What was created, in order of creation. */
  get provided(): readonly Provided[] {
    return this.#provided
  }

  /** Names of what is being created. */
  get pending(): readonly string[] {
    return [...this.#pending.keys()].map(tokenName)
  }

  /** Releases everything within the time, in reverse order of creation, and gathers what failed. */
  async dispose(timeoutMs: number): Promise<readonly Error[]> {
    const endsAtMs = performance.now() + timeoutMs
    this.#givenUp.abort()
    await this.#settle(Math.min(longestSettleMs, timeoutMs / 2))
    this.#isReleased = true
    const hanging = this.pending.map((name) => new Error(`${name} is still being created`))
    const failures = await this.#around(() => this.#releases.release(Math.max(0, endsAtMs - performance.now())))
    this.#values.clear()
    return [...hanging, ...failures]
  }

  async #createInTurn(provider: Provider, running: ReadonlyMap<Token, Promise<void>>): Promise<void> {
    await Promise.all(provider.needs.map((need) => running.get(need) ?? Promise.resolve()))
    if (this.#givenUp.signal.aborted) return
    const { token } = provider
    const created = this.#createOne(provider)
    this.#pending.set(token, created)
    await created
    this.#pending.delete(token)
  }

  /** Never rejects. */
  async #createOne(provider: Provider): Promise<void> {
    const { signal } = this.#givenUp
    const context: CreateContext = { signal }
    try {
      const needed = provider.needs.map((need) => this.#values.get(need))
      const value = await this.#around(() => provider.create(...needed, context))
      this.#keep(provider, value)
    } catch (cause) {
      const problem = createFailed(tokenName(provider.token), cause)
      if (!signal.aborted) {
        const error = new WiringError([problem], cause)
        this.#givenUp.abort(error)
        this.#failed.reject(error)
      } else if (!isAnswerTo(signal, cause)) this.#onLateFailure(problem.message, cause)
    }
    if (!this.#isReleased) return
    for (const failure of await this.#releases.release(longestSettleMs)) this.#onLateFailure(failure.message, failure)
  }

  #keep({ token, dispose, check, checkSettings }: Kept, value: unknown): void {
    const name = tokenName(token)
    this.#values.set(token, value)
    this.#provided.push({ name, check: check && ((signal: AbortSignal) => check(value, signal)), checkSettings })
    this.#releases.add({ name, value, dispose })
  }

  /** Waits until nothing is being created any more, or for the time. */
  async #settle(timeoutMs: number): Promise<void> {
    if (this.#pending.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, timeoutMs)
    await Promise.race([Promise.all(this.#pending.values()), promise])
    clearTimeout(timer)
  }

  #resolve(token: Token, asker: string): unknown {
    if (this.#values.has(token)) return this.#values.get(token)
    const chain = [asker, ...this.#constructing.map(tokenName)]
    if (this.#plan.provided.has(token))
      throw new WiringError([{ code: 'wiring.hidden_injection', message: hiddenMessage(token, chain) }])
    if (!isConstructible(token))
      throw new WiringError([{ code: 'wiring.missing_provider', message: missingMessage(token, chain) }])
    if (this.#constructing.includes(token)) throw new WiringError([classCycle([...chain, tokenName(token)])])
    this.#constructing.push(token)
    try {
      const value: unknown = Reflect.construct(token, [])
      // A class without a provider is disposed like one that has it.
      this.#keep({ token, dispose: undefined, check: undefined }, value)
      return value
    } finally {
      this.#constructing.pop()
    }
  }
}

type Kept = Pick<Provider, 'token' | 'dispose' | 'check' | 'checkSettings'>

/** How long is waited for a creation that was told to give up. A guess: one that heeds its signal ends at once. */
const longestSettleMs = 1_000

function createFailed(name: string, cause: unknown): SetupProblem {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return { code: 'wiring.create_failed', message: `${name} could not be created: ${reason}` }
}
