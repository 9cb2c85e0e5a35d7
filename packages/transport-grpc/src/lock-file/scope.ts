import type { TokenReader } from './token-reader.ts'

/** What is declared in one place of a file so far, and the line of each. */
export type Scope = Map<string, number>

const advice = 'make one of both by hand: the numbers that callers already know stay, newer ones move'

/**
 * Takes the name of what is declared here.
 *
 * @throws ContractError `contract.proto` with both lines when it was declared before, as after a careless merge of branches: the
 * numbers of one of them would be lost.
 */
export function declareName(tokens: TokenReader, kind: string, scope: Scope): string {
  const name = tokens.name()
  const before = scope.get(name)
  if (before !== undefined) throw tokens.fault(`${kind} ${name} is declared twice, first on line ${before}`, advice)
  scope.set(name, tokens.line)
  return name
}
