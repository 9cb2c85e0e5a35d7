import { createFileRegistry, create, type DescMessage, fromBinary, toJson } from '@bufbuild/protobuf'
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_struct,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt'

/** What a gRPC server tells of an error beside status and message. */
export interface StatusFacts {
  readonly code: number
  readonly message: string
  readonly reason: string | undefined
  readonly details: Readonly<Record<string, unknown>> | undefined
}

/**
 * Reads `grpc-status-details-bin` as any client with google.rpc's messages does: those of google/rpc/status.proto and
 * google/rpc/error_details.proto, as far as they are used here.
 *
 * @throws Error for bytes that are no google.rpc.Status, and for a detail of a type that is not known.
 */
export function readStatus(bytes: Uint8Array): StatusFacts {
  const {
    code = 0,
    message = '',
    details = [],
  } = toJson(statusMessage, fromBinary(statusMessage, bytes), {
    registry,
  }) as unknown as StatusJson
  let reason: string | undefined
  let facts: Readonly<Record<string, unknown>> = {}
  for (const detail of details) {
    const type = detail['@type'].replace('type.googleapis.com/', '')
    if (type === 'google.rpc.ErrorInfo') reason = (detail as { readonly reason?: string }).reason ?? ''
    // The name of the call, which is no fact of the error.
    else if (type !== 'google.rpc.RequestInfo') facts = { ...facts, ...factsOf(type, detail) }
  }
  return { code, message, reason, details: Object.keys(facts).length > 0 ? facts : undefined }
}

interface Detail {
  readonly '@type': string
}

interface StatusJson {
  readonly code?: number
  readonly message?: string
  readonly details?: readonly Detail[]
}

interface FieldViolation {
  readonly field?: string
  readonly description?: string
  readonly reason?: string
}

/** By the names they have in a `ServiceError`. */
function factsOf(type: string, detail: Detail): Readonly<Record<string, unknown>> {
  if (type === 'google.protobuf.Struct') return (detail as Detail & { readonly value: Record<string, unknown> }).value
  if (type === 'google.rpc.RetryInfo') {
    const { retry_delay: delay = '0s' } = detail as { readonly retry_delay?: string }
    return { retryDelayMs: Number(delay.slice(0, -1)) * 1000 }
  }
  if (type !== 'google.rpc.BadRequest') throw new Error(`a detail of an unknown type: ${type}`)
  const { field_violations: found = [] } = detail as { readonly field_violations?: readonly FieldViolation[] }
  const violations = found.map(({ field = '', description = '', reason = '' }) => ({
    field,
    message: description,
    rule: reason,
  }))
  return { violations }
}

const { OPTIONAL, REPEATED } = FieldDescriptorProto_Label
const { STRING, INT32, MESSAGE } = FieldDescriptorProto_Type

function text(name: string, number: number) {
  return { name, jsonName: name, number, label: OPTIONAL, type: STRING }
}

function message(name: string, number: number, typeName: string, label = OPTIONAL) {
  return { name, jsonName: name, number, label, type: MESSAGE, typeName }
}

const file = create(FileDescriptorProtoSchema, {
  name: 'google/rpc/all.proto',
  package: 'google.rpc',
  syntax: 'proto3',
  dependency: ['google/protobuf/any.proto', 'google/protobuf/duration.proto'],
  messageType: [
    {
      name: 'Status',
      field: [
        { name: 'code', jsonName: 'code', number: 1, label: OPTIONAL, type: INT32 },
        text('message', 2),
        message('details', 3, '.google.protobuf.Any', REPEATED),
      ],
    },
    { name: 'ErrorInfo', field: [text('reason', 1), text('domain', 2)] },
    { name: 'RequestInfo', field: [text('request_id', 1)] },
    { name: 'RetryInfo', field: [message('retry_delay', 1, '.google.protobuf.Duration')] },
    {
      name: 'BadRequest',
      field: [message('field_violations', 1, '.google.rpc.BadRequest.FieldViolation', REPEATED)],
      nestedType: [{ name: 'FieldViolation', field: [text('field', 1), text('description', 2), text('reason', 3)] }],
    },
  ],
})

const known = [file_google_protobuf_any, file_google_protobuf_duration, file_google_protobuf_struct]
const registry = createFileRegistry(
  create(FileDescriptorSetSchema, { file: [...known.map(({ proto }) => proto), file] }),
)
const statusMessage = requireMessage('google.rpc.Status')

function requireMessage(name: string): DescMessage {
  const found = registry.getMessage(name)
  if (found === undefined) throw new TypeError(`${name} is not declared`)
  return found
}
