import type { EventType, Operation } from '@tenon/core/contract'
import type { MessageContent, PayloadDescription, PayloadFormat } from '@tenon/core/transport'
import { compileCodec, type MessageCodec } from '../codec/message-codec.ts'
import { type LockedMessage, lockEvent, lockMessage } from '../lock/lock-event.ts'
import { readLockText } from '../lock/lock-text.ts'
import { writeDefinition, writeLock } from '../lock-file/write-lock.ts'
import { shapeCommand } from '../proto/event-shape.ts'
import { isMessageBinding } from '../service/message-binding.ts'
import { isMethodBinding } from '../service/method-binding.ts'

/**
 * Messages of a queue as protobuf, for the option `formats` of its transport: `queueTransport({ driver, formats: [protobufFormat()] })`.
 *
 * The payload of an event is the message that `protoOf(event)` writes, the input of a command the request of its operation over gRPC, both
 * with the field numbers of the lock that event or contract name, or those of the `.proto` files that a contract was made from.
 *
 * What it throws when it is made ready for one of them, which ends the start of a service that declares it:
 *
 * @throws ContractError `contract.schema` and `contract.name` when there is no such message, `contract.proto` when the lock is not there,
 * cannot be read, or does not allow what became of the schema.
 * @see RFC 9110 section 8.3.1; IANA media type registry, application/protobuf and the two older names that it replaces
 */
export function protobufFormat(): PayloadFormat {
  return Object.freeze({
    name: 'protobuf',
    contentType: 'application/protobuf',
    aliases: ['application/x-protobuf', 'application/vnd.google.protobuf'],
    compile: (content) => {
      const { encode, decode } = codecOf(content)
      return { write: encode, read: decode }
    },
    describe: (content) =>
      content.kind === 'event' ? describeEvent(content.event) : describeCommand(content.operation),
  } satisfies PayloadFormat)
}

function codecOf(content: MessageContent): MessageCodec {
  return content.kind === 'event' ? eventCodec(content.event) : commandCodec(content.operation)
}

function eventCodec(event: EventType): MessageCodec {
  const { proto } = event
  return isMessageBinding(proto) ? proto.codec() : compileCodec(lockedEvent(event).shape)
}

function commandCodec(operation: Operation): MessageCodec {
  const { proto } = operation
  return isMethodBinding(proto) ? proto.codecs().request : compileCodec(lockedCommand(operation).shape)
}

function describeEvent(event: EventType): PayloadDescription {
  const { proto } = event
  if (isMessageBinding(proto)) return { message: proto.fullName }
  const { shape, file } = lockedEvent(event)
  return { message: shape.fullName, definition: writeLock(file) }
}

function describeCommand(operation: Operation): PayloadDescription {
  const { proto } = operation
  if (isMethodBinding(proto)) return { message: proto.requestName }
  const { shape, file } = lockedCommand(operation)
  return { message: shape.fullName, definition: writeDefinition(file) }
}

function lockedEvent(event: EventType): LockedMessage {
  const { proto, topic } = event
  return lockEvent(event, proto instanceof URL ? readLockText(`event ${topic}`, proto) : undefined)
}

function lockedCommand(operation: Operation): LockedMessage {
  const { proto, id, contract } = operation
  const lock = proto instanceof URL ? readLockText(`contract ${contract}`, proto) : undefined
  return lockMessage(shapeCommand(operation), lock, `operation ${id}`)
}
