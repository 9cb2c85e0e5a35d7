import { SetupError, type SetupProblem, WiringError } from '../error/setup-error.ts'
import { injectWith } from './inject.ts'
import { isConstructible, type Provider, type Token, tokenName } from './provider.ts'
import { hiddenMessage, missingMessage, type ProviderPlan } from './provider-graph.ts'

/** A provider's value, and how it is checked. */
export interface Provided {
  readonly name: string
  readonly check: ((signal: AbortSignal) => unknown) | undefined
}

/** Holds what the providers made, and releases it in reverse order of creation. */
export class Container {
  readonly #plan: ProviderPlan
  readonly #values = new Map<Token, unknown>()
  readonly #created: { readonly provider: Provider; readonly value: unknown }[] = []
  readonly #constructing: Token[] = []

  constructor(plan: ProviderPlan) {
    this.#plan = plan
  }

  /**
   * Creates the planned providers, side by side where none waits for another. After a failure nothing more is begun; what
   * was created stays to be disposed.
   *
   * @throws WiringError `wiring.create_failed`
   */
  async create(): Promise<void> {
    const running = new Map<Token, Promise<void>>()
    const problems: { readonly problem: SetupProblem; readonly cause: unknown }[] = []
    for (const provider of this.#plan.order) running.set(provider.token, this.#createOne(provider, running, problems))
    await Promise.all(running.values())
    if (problems.length > 0)
      throw new WiringError(
        problems.map(({ problem }) => problem),
        problems[0]?.cause,
      )
  }

  async #createOne(
    provider: Provider,
    running: ReadonlyMap<Token, Promise<void>>,
    problems: { problem: SetupProblem; cause: unknown }[],
  ): Promise<void> {
    await Promise.all(provider.needs.map((need) => running.get(need) ?? Promise.resolve()))
    if (problems.length > 0) return
    try {
      const value = await provider.create(...provider.needs.map((need) => this.#values.get(need)))
      this.#values.set(provider.token, value)
      this.#created.push({ provider, value })
    } catch (cause) {
      problems.push({ problem: createFailed(tokenName(provider.token), cause), cause })
    }
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

  /** What was created, in order of creation. */
  get provided(): readonly Provided[] {
    return this.#created.map(({ provider: { token, check }, value }) => ({
      name: tokenName(token),
      check: check && ((signal: AbortSignal) => check(value, signal)),
    }))
  }

  /** Releases everything in reverse order of creation and gathers what failed. */
  async dispose(): Promise<readonly Error[]> {
    const failures: Error[] = []
    for (const { provider, value } of this.#created.splice(0).reverse()) {
      try {
        await disposeOf(provider, value)
      } catch (cause) {
        failures.push(new Error(`${tokenName(provider.token)} could not be disposed`, { cause }))
      }
    }
    this.#values.clear()
    return failures
  }

  #resolve(token: Token, asker: string): unknown {
    if (this.#values.has(token)) return this.#values.get(token)
    const chain = [asker, ...this.#constructing.map(tokenName)]
    if (this.#plan.provided.has(token))
      throw new WiringError([{ code: 'wiring.hidden_injection', message: hiddenMessage(token, chain) }])
    if (!isConstructible(token))
      throw new WiringError([{ code: 'wiring.missing_provider', message: missingMessage(token, chain) }])
    if (this.#constructing.includes(token)) {
      throw new WiringError([
        {
          code: 'wiring.cycle',
          message: `classes inject one another in a circle: ${[...chain, tokenName(token)].join(' → ')}`,
        },
      ])
    }
    this.#constructing.push(token)
    try {
      const value: unknown = Reflect.construct(token, [])
      this.#values.set(token, value)
      this.#created.push({ provider: constructedProvider(token), value })
      return value
    } finally {
      this.#constructing.pop()
    }
  }
}

function createFailed(name: string, cause: unknown): SetupProblem {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return { code: 'wiring.create_failed', message: `${name} could not be created: ${reason}` }
}

/** A class without a provider is disposed like one that has it. */
function constructedProvider(token: Token): Provider {
  return { token, needs: [], create: () => undefined, dispose: undefined, check: undefined }
}

async function disposeOf({ dispose }: Provider, value: unknown): Promise<void> {
  if (dispose) return void (await dispose(value))
  if (typeof value !== 'object' || value === null) return
  const own: unknown = Reflect.get(value, Symbol.asyncDispose) ?? Reflect.get(value, Symbol.dispose)
  if (typeof own === 'function') await Reflect.apply(own, value, [])
}
