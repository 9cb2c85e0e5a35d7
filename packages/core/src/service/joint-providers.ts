import { type Provider, token, type Token, tokenName } from '../handler/provider.ts'
import type { Transport } from '../transport/transport.ts'

/**
 * The providers that come with transports. Where several give the same thing and know how to make one of it, each gives its part
 * under a name of its own, and one more provider combines them.
 */
export function jointProviders(transports: readonly Transport[]): readonly Provider[] {
  const provided = transports.flatMap((from) => (from.provides ?? []).map((provider) => ({ from, provider })))
  return [...Map.groupBy(provided, ({ provider }) => provider.token)].flatMap(([of, given]) => joint(of, given))
}

interface Given {
  readonly from: Transport
  readonly provider: Provider
}

function joint(of: Token, given: readonly Given[]): readonly Provider[] {
  const combine = given[0]?.provider.combine
  if (given.length < 2 || combine === undefined) return given.map(({ provider }) => provider)
  const parts = given.map(({ from, provider }) => ({ ...provider, token: token(`${tokenName(of)} of ${from.name}`) }))
  const whole: Provider = {
    token: of,
    needs: parts.map((part) => part.token),
    create: (...values) => combine(given.map(({ from }, index) => ({ from, value: values[index] }))),
    dispose: undefined,
    check: undefined,
  }
  return [...parts, whole]
}
