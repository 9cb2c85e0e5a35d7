import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { type AnyContract, type ContractInfo, contractInfo } from '@tenon/core/contract'
import { ContractError } from '@tenon/core/transport'
import { lockPath, lockService, type LockText, lockUrlOf, notReadable } from './lock-service.ts'
import { writeLock } from './write-lock.ts'

/**
 * Brings the lock of a contract up to date, the file that it names: `contract(name, operations, { proto: new URL('./user.proto', import.meta.url) })`.
 * Makes the file where there is none. Whoever reads it meanwhile sees the whole old or the whole new one.
 *
 * @throws ContractError `contract.proto` when the contract names no file, the file cannot be read, or it does not allow what the
 * contract has become, in which case it stays as it is.
 */
export async function updateProto(contract: AnyContract): Promise<'written' | 'unchanged'> {
  const info = contractInfo(contract)
  const url = lockUrlOf(info)
  if (url === undefined) throw noFile(info)
  const path = lockPath(info, url)
  const lock = await readText(info, path)
  const text = writeLock(lockService(info, lock).file)
  if (text === lock?.text) return 'unchanged'
  await replaceFile(path, text)
  return 'written'
}

async function readText(contract: ContractInfo, where: string): Promise<LockText | undefined> {
  try {
    return { text: await readFile(where, 'utf8'), where }
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw notReadable(contract, where, cause)
  }
}

/** Under another name first, in the same folder, because only then does the file change in one step. */
async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}.draft`
  try {
    await writeFile(draft, text)
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

function noFile({ name }: ContractInfo): ContractError {
  const message = `contract ${name} names no file for its lock; expected contract(name, operations, { proto: new URL('./user.proto', import.meta.url) })`
  return new ContractError([{ code: 'contract.proto', message }])
}
