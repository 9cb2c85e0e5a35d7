import { ContractError, type SetupProblem } from '@tenon/core/transport'
import type { ProtoService } from './proto-service.ts'

/**
 * Requires that a server has every protobuf name once, also where two contracts of a package have operations of one name.
 *
 * @throws ContractError `contract.name`; all problems at once.
 */
export function requireDistinct(services: readonly ProtoService[]): void {
  const found = new Map<string, string>()
  const problems: SetupProblem[] = []
  for (const [fullName, owner] of services.flatMap(({ owners }) => [...owners])) {
    const other = found.get(fullName) ?? owner
    if (other !== owner) problems.push(declaredTwice(fullName, other, owner))
    found.set(fullName, owner)
  }
  if (problems.length > 0) throw new ContractError(problems)
}

function declaredTwice(fullName: string, one: string, other: string): SetupProblem {
  const message = `${one} and ${other} would both declare the protobuf name ${fullName}; rename one of them, give their contracts different packages, or grpc: false`
  return { code: 'contract.name', message }
}
