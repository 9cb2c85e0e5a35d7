import type { Operation } from '@tenon/core/contract'
import { directionsOf } from '../proto/direction.ts'
import type { EnumShape, FieldShape, MessageShape, MethodShape, ServiceShape } from '../proto/message-shape.ts'
import {
  type LockEnum,
  type LockField,
  type LockFile,
  type LockMessage,
  type LockMethod,
  noRemarks,
  nothingReserved,
} from './lock-file.ts'

/** A service as a `.proto` file, with the numbers that its shape has. */
export function toLockFile(service: ServiceShape): LockFile {
  return {
    package: service.package,
    imports: [],
    options: [],
    service: { name: service.name, methods: service.methods.map(toMethod) },
    messages: service.methods.flatMap(({ request, response }) => [toMessage(request), toMessage(response)]),
  }
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

function toMessage({ fullName, fields, messages, enums }: MessageShape): LockMessage {
  return {
    ...noRemarks,
    fullName,
    fields: fields.map(toField),
    messages: messages.map(toMessage),
    enums: enums.map(toEnum),
    reserved: nothingReserved,
  }
}

function toField({ name, protoName, number, type, label }: FieldShape): LockField {
  const typeName =
    type.kind === 'scalar' ? (type.scalar === 'bigint' ? 'int64' : type.scalar) : `.${type.shape.fullName}`
  return { ...noRemarks, name: protoName, jsonName: name, number, type: typeName, label, oneof: undefined }
}

function toEnum({ fullName, values }: EnumShape): LockEnum {
  return {
    ...noRemarks,
    fullName,
    values: values.map(({ protoName, number }) => ({ name: protoName, number })),
    reserved: nothingReserved,
  }
}
