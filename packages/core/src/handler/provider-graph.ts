import { SetupError, type SetupProblem } from '../error/setup-error.ts'
import { injectWith } from './inject.ts'
import { isConstructible, isToken, type Provider, remedyOf, type Token, tokenName } from './provider.ts'

/** Something whose construction injects, such as a handler. */
export interface Root {
  readonly name: string
  construct(): unknown
}

/** The providers a service really needs, in an order in which each comes after what it needs. */
export interface ProviderPlan {
  readonly order: readonly Provider[]
  /** All that the service provides, needed or not. */
  readonly provided: ReadonlyMap<Token, Provider>
  readonly problems: readonly SetupProblem[]
}

/**
 * Finds out what the roots need without creating anything: they are constructed once with placeholders that record what
 * is injected. Constructors of handlers must therefore do nothing but construct.
 */
export function planProviders(roots: readonly Root[], providers: ReadonlyMap<Token, Provider>): ProviderPlan {
  const visit = new Visit(providers)
  for (const root of roots) {
    const { injections, problems } = recordInjections(root, providers)
    for (const needed of injections) visit.token(needed.token, [root.name, ...needed.via])
    visit.problems.push(...problems)
  }
  return { order: visit.order, provided: providers, problems: visit.problems }
}

/** The providers by token; a later list replaces what an earlier one provides. */
export function indexProviders(
  provided: readonly Provider[],
  overrides: readonly Provider[],
): { byToken: Map<Token, Provider>; problems: SetupProblem[] } {
  const byToken = new Map<Token, Provider>()
  const problems: SetupProblem[] = []
  for (const provider of provided) {
    if (byToken.has(provider.token))
      problems.push({
        code: 'wiring.duplicate_provider',
        message: `two providers make ${tokenName(provider.token)}: remove one`,
      })
    byToken.set(provider.token, provider)
  }
  for (const provider of overrides) byToken.set(provider.token, provider)
  return { byToken, problems }
}

interface Injection {
  readonly token: Token
  /** The classes without a provider that were constructed on the way. */
  readonly via: readonly string[]
}

/** What constructing something injects, also through classes that have no provider, and what it says is wrong. */
function recordInjections(root: Root, providers: ReadonlyMap<Token, Provider>) {
  const injections: Injection[] = []
  const problems: SetupProblem[] = []
  const constructed = new Set<Token>()
  const record = (make: () => unknown, path: readonly Token[]): void => {
    const resolve = (token: Token): unknown => {
      if (providers.has(token) || !isConstructible(token)) injections.push({ token, via: path.map(tokenName) })
      else if (path.includes(token)) problems.push(classCycle([root.name, ...path.map(tokenName), tokenName(token)]))
      else if (!constructed.has(token)) {
        constructed.add(token)
        record(() => Reflect.construct(token, []) as unknown, [...path, token])
      }
      return placeholder
    }
    try {
      injectWith(resolve, make)
    } catch (error) {
      // A constructor that cannot live with placeholders is judged when it is really constructed.
      if (error instanceof SetupError) problems.push(...error.problems)
    }
  }
  record(() => root.construct(), [])
  return { injections, problems }
}

/** Stands for every value while injections are recorded: any property of it, any call and any construction gives it again. */
const placeholder: unknown = new Proxy(function placeholderTarget() {}, {
  get: (_target, property) =>
    property === Symbol.toPrimitive ? () => '' : property === 'then' ? undefined : placeholder,
  apply: () => placeholder,
  construct: () => placeholder as object,
})

/** A depth-first walk that knows the chain it came by. */
class Visit {
  readonly order: Provider[] = []
  readonly problems: SetupProblem[] = []
  readonly #providers: ReadonlyMap<Token, Provider>
  readonly #done = new Set<Token>()
  readonly #path: Token[] = []

  constructor(providers: ReadonlyMap<Token, Provider>) {
    this.#providers = providers
  }

  token(token: Token, chain: readonly string[]): void {
    if (this.#path.includes(token)) return this.#reportCycle(token)
    if (this.#done.has(token)) return
    const provider = this.#providers.get(token)
    if (provider === undefined) {
      // Two that are undefined are not the same thing missing twice.
      if (isToken(token)) this.#done.add(token)
      this.problems.push({ code: 'wiring.missing_provider', message: missingMessage(token, chain) })
      return
    }
    this.#path.push(token)
    for (const need of provider.needs) this.token(need, [...chain, tokenName(token)])
    this.#path.pop()
    if (this.#done.has(token)) return
    this.#done.add(token)
    this.order.push(provider)
  }

  #reportCycle(token: Token): void {
    const circle = [...this.#path.slice(this.#path.indexOf(token)), token].map(tokenName)
    this.problems.push({
      code: 'wiring.cycle',
      message: `providers need one another in a circle: ${circle.join(' → ')}`,
    })
    this.#done.add(token)
  }
}

/** Classes without providers that inject one another. */
export function classCycle(chain: readonly string[]): SetupProblem {
  return { code: 'wiring.cycle', message: `classes inject one another in a circle: ${chain.join(' → ')}` }
}

/** Says who asked for a token that is provided, but could not be found out before. */
export function hiddenMessage(token: Token, chain: readonly string[]): string {
  const name = tokenName(token)
  return `${name}, asked for by ${chain.join(' → ')}, was not created: it is injected under a condition, or after a constructor failed with placeholders; inject it in a field, before anything else`
}

/** Says who asked for a token that nothing provides. */
export function missingMessage(token: Token, chain: readonly string[]): string {
  if (!isToken(token))
    return `${chain.join(' → ')} asks for ${tokenName(token)}, which is neither a class nor a token: what it imports is undefined: import cycle? Import it from a file that does not import back`
  return `nothing provides ${tokenName(token)}, asked for by ${chain.join(' → ')}: ${remedyOf(token)}`
}
