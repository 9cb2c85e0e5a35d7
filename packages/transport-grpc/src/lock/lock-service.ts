import type { ContractInfo } from '@tenon/core/contract'
import { ContractError, type SetupProblem } from '@tenon/core/transport'
import type { ServiceShape } from '../proto/message-shape.ts'
import { toServiceShape } from '../proto/service-shape.ts'
import { applyLock } from './apply-lock.ts'
import { checkLock } from './check-lock.ts'
import type { LockFile } from '../lock-file/lock-file.ts'
import { type LockText, readLockText } from './lock-text.ts'
import { type Break, mergeLock } from './merge-lock.ts'
import { readLock } from '../lock-file/read-lock.ts'
import { toLockFile } from './to-lock-file.ts'

/** A service with the numbers that its lock gives it. */
export interface LockedService {
  readonly shape: ServiceShape
  /** The lock as it would be written now. */
  readonly file: LockFile
  /** What the lock does not know yet, or still has; empty when it is up to date. */
  readonly changes: readonly string[]
}

/**
 * Numbers a contract as its lock says; in the order of declaration where there is none.
 *
 * @throws ContractError `contract.proto` when the lock cannot be read or does not allow what the contract has become,
 * `contract.schema` and `contract.name` when a schema has no form in protobuf; all problems at once.
 */
export function lockService(contract: ContractInfo, lock: LockText | undefined): LockedService {
  const shape = toServiceShape(contract)
  const current = toLockFile(shape)
  if (lock === undefined) return { shape, file: current, changes: [] }
  const locked = readLock(lock.text, lock.where)
  checkLock(locked, lock.where)
  const { file, breaks, changes } = mergeLock(locked, current)
  if (breaks.length > 0) throw new ContractError(breaks.map((one) => toProblem(one, shape, lock.where)))
  return { shape: applyLock(shape, file), file, changes }
}

/** The file that a contract names as its lock. */
export function lockUrlOf({ operations }: ContractInfo): URL | undefined {
  return operations.map(({ proto }) => proto).find((proto) => proto instanceof URL)
}

/**
 * The lock of a contract from its file.
 *
 * @throws ContractError `contract.proto` naming the file that is missing or cannot be read.
 */
export function loadLock(contract: ContractInfo): LockText | undefined {
  const url = lockUrlOf(contract)
  return url && readLockText(`contract ${contract.name}`, url)
}

function toProblem(
  { scope, part, problem, advice }: Break,
  { fullName, methods }: ServiceShape,
  where: string,
): SetupProblem {
  const owner = methods.find(({ request, response }) =>
    [request, response].some((message) => `${scope}.`.startsWith(`${message.fullName}.`)),
  )
  const subject = owner ? `operation ${owner.operation.id}` : `contract ${fullName}`
  return breakProblem(subject, { scope, part, problem, advice }, where)
}

/** What is told of one thing that a lock does not allow. */
export function breakProblem(subject: string, { scope, part, problem, advice }: Break, where: string): SetupProblem {
  const place = part === '' ? scope : `${part} of ${scope}`
  return { code: 'contract.proto', message: `${subject}: ${place}: ${problem}; ${advice} (lock: ${where})` }
}
