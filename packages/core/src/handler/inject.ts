import { WiringError } from '../error/setup-error.ts'
import { type Token, type TokenValue, tokenName } from './provider.ts'

/** Finds the value of a token while something is constructed. */
export type Resolve = (of: Token) => unknown

let current: Resolve | undefined

/**
 * The value a token stands for: `readonly #store = inject(UserStore)`. A class without a provider is constructed when it is
 * first injected. Works while a handler, or a class that is injected, is constructed; nowhere else.
 *
 * @throws WiringError `wiring.missing_provider` with the chain that asked, `wiring.outside_construction`
 */
export function inject<Of extends Token>(of: Of): TokenValue<Of> {
  if (current === undefined) {
    const message = `inject(${tokenName(of)}) was called outside the construction of a handler: call it in a field or the constructor`
    throw new WiringError([{ code: 'wiring.outside_construction', message }])
  }
  return current(of) as TokenValue<Of>
}

/** Runs a synchronous function whose `inject()` calls are answered by `resolve`. */
export function injectWith<Result>(resolve: Resolve, run: () => Result): Result {
  const outer = current
  current = resolve
  try {
    return run()
  } finally {
    current = outer
  }
}
