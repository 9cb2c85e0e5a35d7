import { type AnyContract, contractInfo, type EventType } from '@tenon/core/contract'
import { isEvent, lockEvent } from './lock-event.ts'
import { lockService } from './lock-service.ts'
import { writeLock } from '../lock-file/write-lock.ts'

export interface ProtoOfOptions {
  /** The text of the lock that the contract has so far. @defaultValue none: numbers follow the order of declaration */
  readonly lock?: string
}

/**
 * A contract as a proto3 file, with its operations that gRPC carries, or an event with the one message of its payload. Pure: the same contract and lock give the same text, which
 * `buf format` leaves as it is.
 *
 * With a lock, what it knows keeps its number, what is gone is `reserved`, and what is new gets the next number.
 *
 * @throws ContractError `contract.proto` when the lock cannot be read or does not allow what the contract has become,
 * `contract.schema` and `contract.name` when a schema has no form in protobuf; all problems at once.
 * @see Protocol Buffers language guide (proto 3), updating a message type
 */
export function protoOf(of: AnyContract | EventType, { lock }: ProtoOfOptions = {}): string {
  const text = lock === undefined ? undefined : { text: lock, where: 'the lock' }
  const { file } = isEvent(of) ? lockEvent(of, text) : lockService(contractInfo(of), text)
  return writeLock(file)
}
