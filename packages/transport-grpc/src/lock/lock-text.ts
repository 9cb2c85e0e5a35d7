import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ContractError } from '@tenon/core/transport'

/** The text of a lock, and what it is called in errors. */
export interface LockText {
  readonly text: string
  readonly where: string
}

/**
 * Reads a lock from its file.
 *
 * @param subject Whose lock it is, as errors begin: `contract shop.user.v1.UserService`.
 * @throws ContractError `contract.proto` naming the file that is missing or cannot be read.
 */
export function readLockText(subject: string, url: URL): LockText {
  const where = lockPath(subject, url)
  try {
    return { text: readFileSync(where, 'utf8'), where }
  } catch (cause) {
    throw notReadable(subject, where, cause)
  }
}

/** @throws ContractError `contract.proto` when the address is none of a file. */
export function lockPath(subject: string, url: URL): string {
  if (url.protocol === 'file:') return fileURLToPath(url)
  const message = `${subject}: proto must be the address of a file, as new URL('./user.proto', import.meta.url) is, found ${url.href}`
  throw new ContractError([{ code: 'contract.proto', message }])
}

/** What is told of a lock that is missing or cannot be read. */
export function notReadable(subject: string, where: string, cause: unknown): ContractError {
  const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
  const found = cause instanceof Error ? cause.message : String(cause)
  const message = isMissing
    ? `${subject}: the lock of its field numbers, ${where}, is not there; bring it back, or make a first one with updateProto() and commit it, and see that what is deployed has the file`
    : `${subject}: the lock of its field numbers, ${where}, cannot be read: ${found}`
  return new ContractError([{ code: 'contract.proto', message }], cause)
}
