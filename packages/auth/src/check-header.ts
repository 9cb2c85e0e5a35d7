import { type OptionCheck, type SetupProblem, toFound } from '@tenon/core/transport'

/** What is wrong with the name of a header: metadata have theirs in lower case. */
export function checkHeader(header: unknown, { malformed }: OptionCheck): readonly SetupProblem[] {
  if (typeof header === 'string' && /^[a-z0-9][a-z0-9._-]*$/.test(header)) return []
  return [malformed(`header must be a name in lower case, found ${toFound(header)}`)]
}
