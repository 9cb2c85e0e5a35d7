import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ContractInfo } from '@tenon/core/contract'
import { ContractError, type SetupProblem } from '@tenon/core/transport'
import type { ServiceShape } from '../proto/message-shape.ts'
import { toServiceShape } from '../proto/service-shape.ts'
import { applyLock } from './apply-lock.ts'
import { checkLock } from './check-lock.ts'
import type { LockFile } from './lock-file.ts'
import { type Break, mergeLock } from './merge-lock.ts'
import { readLock } from './read-lock.ts'
import { toLockFile } from './to-lock-file.ts'

/** A service with the numbers that its lock gives it. */
export interface LockedService {
  readonly shape: ServiceShape
  /** The lock as it would be written now. */
  readonly file: LockFile
  /** What the lock does not know yet, or still has; empty when it is up to date. */
  readonly changes: readonly string[]
}

/** The text of a lock, and what it is called in errors. */
export interface LockText {
  readonly text: string
  readonly where: string
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
  if (url === undefined) return undefined
  const where = lockPath(contract, url)
  try {
    return { text: readFileSync(where, 'utf8'), where }
  } catch (cause) {
    throw notReadable(contract, where, cause)
  }
}

/** @throws ContractError `contract.proto` when the address is none of a file. */
export function lockPath({ name }: ContractInfo, url: URL): string {
  if (url.protocol === 'file:') return fileURLToPath(url)
  const message = `contract ${name}: proto must be the address of a file, as new URL('./user.proto', import.meta.url) is, found ${url.href}`
  throw new ContractError([{ code: 'contract.proto', message }])
}

/** What is told of a lock that is missing or cannot be read. */
export function notReadable({ name }: ContractInfo, where: string, cause: unknown): ContractError {
  const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
  const found = cause instanceof Error ? cause.message : String(cause)
  const message = isMissing
    ? `contract ${name}: the lock of its field numbers, ${where}, is not there; bring it back, or make a first one with updateProto() and commit it, and see that what is deployed has the file`
    : `contract ${name}: the lock of its field numbers, ${where}, cannot be read: ${found}`
  return new ContractError([{ code: 'contract.proto', message }], cause)
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
  const place = part === '' ? scope : `${part} of ${scope}`
  return { code: 'contract.proto', message: `${subject}: ${place}: ${problem}; ${advice} (lock: ${where})` }
}
