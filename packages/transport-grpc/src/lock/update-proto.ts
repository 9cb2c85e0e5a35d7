import { randomUUID } from 'node:crypto'
import { readFile, readlink, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { type AnyContract, contractInfo, type EventType } from '@tenon/core/contract'
import { ContractError } from '@tenon/core/transport'
import { isEvent, lockEvent } from './lock-event.ts'
import { lockService, lockUrlOf } from './lock-service.ts'
import { lockPath, type LockText, notReadable } from './lock-text.ts'
import type { WrittenFile } from '../lock-file/lock-file.ts'
import { writeLock } from '../lock-file/write-lock.ts'

/**
 * Brings the lock of a contract or an event up to date, the file that it names: `contract(name, operations, { proto: new URL('./user.proto', import.meta.url) })`.
 * Makes the file where there is none, and writes the file behind a link. Whoever reads it meanwhile sees the whole old or the whole
 * new one, also when several write it.
 *
 * @throws ContractError `contract.proto` when none is named, the file cannot be read or written, or it does not allow what the contract or
 * event has become, in which case it stays as it is.
 */
export async function updateProto(of: AnyContract | EventType): Promise<'written' | 'unchanged'> {
  const { subject, url, fileFrom } = isEvent(of) ? eventLock(of) : contractLock(of)
  if (url === undefined) throw noFile(subject)
  const path = lockPath(subject, url)
  const lock = await readText(subject, path)
  const text = writeLock(fileFrom(lock))
  if (text === lock?.text) return 'unchanged'
  await replaceFile(subject, path, text)
  return 'written'
}

/** What has a lock of its own. */
interface Locked {
  /** As errors begin. */
  readonly subject: string
  readonly url: URL | undefined
  /** What the lock is to be, from what it is. */
  readonly fileFrom: (lock: LockText | undefined) => WrittenFile
}

function contractLock(contract: AnyContract): Locked {
  const info = contractInfo(contract)
  const fileFrom: Locked['fileFrom'] = (lock) => lockService(info, lock).file
  return { subject: `contract ${info.name}`, url: lockUrlOf(info), fileFrom }
}

function eventLock(event: EventType): Locked {
  const url = event.proto instanceof URL ? event.proto : undefined
  return { subject: `event ${event.topic}`, url, fileFrom: (lock) => lockEvent(event, lock).file }
}

async function readText(subject: string, where: string): Promise<LockText | undefined> {
  try {
    return { text: await readFile(where, 'utf8'), where }
  } catch (cause) {
    if (!isMissing(cause)) throw notReadable(subject, where, cause)
  }
  const target = await linkTarget(where)
  if (target !== undefined) throw leadsNowhere(subject, where, target)
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

async function replaceFile(subject: string, path: string, text: string): Promise<void> {
  try {
    await replaceByDraft(await targetOf(path), text)
  } catch (cause) {
    throw notWritable(subject, path, cause)
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

function leadsNowhere(subject: string, where: string, target: string): ContractError {
  const message = `${subject}: the lock of its field numbers, ${where}, is a link to ${target}, which is not there; bring that file back, or remove the link to make a first lock`
  return new ContractError([{ code: 'contract.proto', message }])
}

function notWritable(subject: string, where: string, cause: unknown): ContractError {
  const found = cause instanceof Error ? cause.message : String(cause)
  const message = `${subject}: the lock of its field numbers, ${where}, cannot be written: ${found}; see that its folder is there and may be written to`
  return new ContractError([{ code: 'contract.proto', message }], cause)
}

function noFile(subject: string): ContractError {
  const message = `${subject} names no file for its lock; expected contract(name, operations, { proto: new URL('./user.proto', import.meta.url) }), or the same among the settings of an event`
  return new ContractError([{ code: 'contract.proto', message }])
}
