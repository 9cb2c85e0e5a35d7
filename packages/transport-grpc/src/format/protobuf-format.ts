import type { EventType, Operation } from '@tenon/core/contract'
import type { MessageContent, PayloadFormat } from '@tenon/core/transport'
import { compileCodec, type MessageCodec } from '../codec/message-codec.ts'
import { lockEvent, lockMessage } from '../lock/lock-event.ts'
import { readLockText } from '../lock/lock-text.ts'
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
  } satisfies PayloadFormat)
}

function codecOf(content: MessageContent): MessageCodec {
  return content.kind === 'event' ? eventCodec(content.event) : commandCodec(content.operation)
}

function eventCodec(event: EventType): MessageCodec {
  const { proto, topic } = event
  if (isMessageBinding(proto)) return proto.codec()
  const lock = proto instanceof URL ? readLockText(`event ${topic}`, proto) : undefined
  return compileCodec(lockEvent(event, lock).shape)
}

function commandCodec(operation: Operation): MessageCodec {
  const { proto, id, contract } = operation
  if (isMethodBinding(proto)) return proto.codecs().request
  const shape = shapeCommand(operation)
  if (!(proto instanceof URL)) return compileCodec(shape)
  return compileCodec(lockMessage(shape, readLockText(`contract ${contract}`, proto), `operation ${id}`))
}
