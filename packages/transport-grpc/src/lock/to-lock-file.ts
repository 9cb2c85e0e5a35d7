import type { Operation } from '@tenon/core/contract'
import { directionsOf } from '../proto/direction.ts'
import {
  type EnumShape,
  type FieldShape,
  type FieldType,
  type MessageShape,
  messagesOf,
  type MethodShape,
  messagesIn,
  type ScalarName,
  type ServiceShape,
} from '../proto/message-shape.ts'
import { wellKnownTypes } from '../proto/well-known.ts'
import {
  type LockEnum,
  type LockField,
  type LockFile,
  type LockMessage,
  type LockMethod,
  type MessageFile,
  nothingReserved,
} from '../lock-file/lock-file.ts'

/** A service as a `.proto` file, with the numbers that its shape has. */
export function toLockFile(service: ServiceShape): LockFile {
  return {
    package: service.package,
    imports: importsOf(messagesOf(service)),
    options: [],
    service: { name: service.name, methods: service.methods.map(toMethod) },
    messages: service.methods.flatMap(({ request, response }) => [toMessage(request), toMessage(response)]),
  }
}

/** A message with all that lies in it as such a file, without a service. */
export function toMessageFile(message: MessageShape, owner: string): MessageFile {
  return { package: owner, imports: importsOf(messagesIn(message)), options: [], messages: [toMessage(message)] }
}

function importsOf(messages: readonly MessageShape[]): readonly string[] {
  const types = messages.flatMap(({ fields }) => fields.map(({ type }) => type))
  const files = types.flatMap((type) => (type.kind === 'known' ? wellKnownTypes[type.known].file : []))
  return [...new Set(files)].toSorted()
}

function toMethod({ operation, name, request, response }: MethodShape): LockMethod {
  const { requestStream, responseStream } = directionsOf[operation.kind]
  return {
    name,
    request: request.fullName,
    response: response.fullName,
    isRequestStream: requestStream,
    isResponseStream: responseStream,
    comment: commentOf(operation),
    isDeprecated: operation.deprecated,
  }
}

function commentOf({ summary, description }: Operation): string {
  return [summary, description].filter((text) => text !== undefined).join('\n\n')
}

function toMessage({ fullName, fields, oneof, messages, enums }: MessageShape): LockMessage {
  return {
    fullName,
    fields: fields.map((field) => toField(field, oneof)),
    messages: messages.map(toMessage),
    enums: enums.map(toEnum),
    reserved: nothingReserved,
  }
}

function toField(field: FieldShape, oneof: string | undefined): LockField {
  const { name, protoName, number, label, description, isDeprecated } = field
  const type = typeName(field.type)
  return { name: protoName, jsonName: name, number, type, label, oneof, comment: description, isDeprecated }
}

function typeName(type: FieldType): string {
  if (type.kind === 'known') return `.${wellKnownTypes[type.known].fullName}`
  if (type.kind !== 'scalar') return `.${type.shape.fullName}`
  return scalarNames[type.scalar] ?? type.scalar
}

/** Those that are not called as protobuf calls them. */
const scalarNames: Readonly<Partial<Record<ScalarName, string>>> = { bigint: 'int64', ubigint: 'uint64' }

function toEnum({ fullName, values }: EnumShape): LockEnum {
  return {
    fullName,
    values: values.map(({ protoName, number }) => ({ name: protoName, number })),
    reserved: nothingReserved,
  }
}
