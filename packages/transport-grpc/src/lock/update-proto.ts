import { randomUUID } from 'node:crypto'
import { readFile, readlink, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { type AnyContract, type ContractInfo, contractInfo } from '@tenon/core/contract'
import { ContractError } from '@tenon/core/transport'
import { lockPath, lockService, type LockText, lockUrlOf, notReadable } from './lock-service.ts'
import { writeLock } from '../lock-file/write-lock.ts'

/**
 * Brings the lock of a contract up to date, the file that it names: `contract(name, operations, { proto: new URL('./user.proto', import.meta.url) })`.
 * Makes the file where there is none, and writes the file behind a link. Whoever reads it meanwhile sees the whole old or the whole
 * new one, also when several write it.
 *
 * @throws ContractError `contract.proto` when the contract names no file, the file cannot be read or written, or it does not allow what
 * the contract has become, in which case it stays as it is.
 */
export async function updateProto(contract: AnyContract): Promise<'written' | 'unchanged'> {
  const info = contractInfo(contract)
  const url = lockUrlOf(info)
  if (url === undefined) throw noFile(info)
  const path = lockPath(info, url)
  const lock = await readText(info, path)
  const text = writeLock(lockService(info, lock).file)
  if (text === lock?.text) return 'unchanged'
  await replaceFile(info, path, text)
  return 'written'
}

async function readText(contract: ContractInfo, where: string): Promise<LockText | undefined> {
  try {
    return { text: await readFile(where, 'utf8'), where }
  } catch (cause) {
    if (!isMissing(cause)) throw notReadable(contract, where, cause)
  }
  const target = await linkTarget(where)
  if (target !== undefined) throw leadsNowhere(contract, where, target)
  return undefined
}

/** Where a link leads to; undefined for what is no link. */
async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return await readlink(path)
  } catch {
    return undefined
  }
}

async function replaceFile(contract: ContractInfo, path: string, text: string): Promise<void> {
  try {
    await replaceByDraft(await targetOf(path), text)
  } catch (cause) {
    throw notWritable(contract, path, cause)
  }
}

/** Under another name first, in the same folder, because only then does the file change in one step. */
async function replaceByDraft(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}.draft`
  try {
    await writeFile(draft, text)
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
}

/** The file behind a link, which would itself be replaced otherwise. */
async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if (isMissing(error)) return path
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function leadsNowhere({ name }: ContractInfo, where: string, target: string): ContractError {
  const message = `contract ${name}: the lock of its field numbers, ${where}, is a link to ${target}, which is not there; bring that file back, or remove the link to make a first lock`
  return new ContractError([{ code: 'contract.proto', message }])
}

function notWritable({ name }: ContractInfo, where: string, cause: unknown): ContractError {
  const found = cause instanceof Error ? cause.message : String(cause)
  const message = `contract ${name}: the lock of its field numbers, ${where}, cannot be written: ${found}; see that its folder is there and may be written to`
  return new ContractError([{ code: 'contract.proto', message }], cause)
}

function noFile({ name }: ContractInfo): ContractError {
  const message = `contract ${name} names no file for its lock; expected contract(name, operations, { proto: new URL('./user.proto', import.meta.url) })`
  return new ContractError([{ code: 'contract.proto', message }])
}
