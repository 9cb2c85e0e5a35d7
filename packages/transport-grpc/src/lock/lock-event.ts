import { type AnyContract, type EventType, isContract } from '@tenon/core/contract'
import { ContractError } from '@tenon/core/transport'
import type { MessageShape } from '../proto/message-shape.ts'
import { shapeEvent } from '../proto/event-shape.ts'
import { isMessageBinding, type MessageBinding } from '../service/message-binding.ts'
import { applyMessageLock } from './apply-lock.ts'
import { checkEventLock, checkLock } from './check-lock.ts'
import type { MessageFile } from '../lock-file/lock-file.ts'
import { breakProblem } from './lock-service.ts'
import type { LockText } from './lock-text.ts'
import { mergeMessageFile } from './merge-lock.ts'
import { readEventLock, readLock } from '../lock-file/read-lock.ts'
import { toMessageFile } from './to-lock-file.ts'

/** A message with the numbers that its lock gives it. */
export interface LockedMessage {
  readonly shape: MessageShape
  /** The file as it would be written now, of this message alone. */
  readonly file: MessageFile
}

/**
 * Numbers the message of an event as its lock says; in the order of declaration where there is none.
 *
 * @throws ContractError `contract.proto` when the lock cannot be read or does not allow what the event has become, and for an event that
 * was made from `.proto` files, `contract.schema` and `contract.name` when the event has no form in protobuf.
 */
export function lockEvent(event: EventType, lock: LockText | undefined): LockedMessage {
  if (isMessageBinding(event.proto)) throw hasFile(event, event.proto)
  const { shape, package: owner } = shapeEvent(event)
  const current = toMessageFile(shape, owner)
  if (lock === undefined) return { shape, file: current }
  const locked = readEventLock(lock.text, lock.where)
  checkEventLock(locked, lock.where, shape.fullName)
  return merge(shape, { kind: 'event', locked, current, subject: `event ${event.topic}`, where: lock.where })
}

/**
 * Numbers one message of a contract as the contract's lock says; in the order of declaration where there is none. What else the lock has
 * is for whoever knows the whole contract.
 *
 * @param subject Whose message it is, as errors begin.
 * @throws ContractError `contract.proto`
 */
export function lockMessage(shape: MessageShape, lock: LockText | undefined, subject: string): LockedMessage {
  const current = toMessageFile(shape, shape.fullName.slice(0, shape.fullName.lastIndexOf('.')))
  if (lock === undefined) return { shape, file: current }
  const locked = readLock(lock.text, lock.where)
  checkLock(locked, lock.where)
  return merge(shape, { kind: 'contract', locked, current, subject, where: lock.where })
}

/** Whether what has a lock is an event rather than a contract. */
export function isEvent(of: AnyContract | EventType): of is EventType {
  return !isContract(of)
}

function hasFile({ topic }: EventType, { fullName }: MessageBinding): ContractError {
  const message = `event ${topic}: it was made from the message ${fullName}, whose .proto file is the one to use`
  return new ContractError([{ code: 'contract.proto', message }])
}

interface Merge {
  /** Whose lock it is. */
  readonly kind: 'contract' | 'event'
  readonly locked: MessageFile
  readonly current: MessageFile
  readonly subject: string
  readonly where: string
}

function merge(shape: MessageShape, { kind, locked, current, subject, where }: Merge): LockedMessage {
  const { file, breaks } = mergeMessageFile(kind, locked, current)
  if (breaks.length > 0) throw new ContractError(breaks.map((one) => breakProblem(subject, one, where)))
  return { shape: applyMessageLock(shape, file), file }
}
