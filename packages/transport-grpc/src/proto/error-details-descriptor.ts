import { create } from '@bufbuild/protobuf'
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  file_google_protobuf_duration,
  file_google_protobuf_struct,
} from '@bufbuild/protobuf/wkt'

/**
 * What reflection tells of the error details that are sent, so that tools can show them. Only the fields that are.
 *
 * @see google/rpc/error_details.proto
 */
export function errorDetailsFiles(): readonly FileDescriptorProto[] {
  const violation = message('FieldViolation', texts('field', 'description', 'reason'))
  const violations = {
    ...named('field_violations', 1),
    label: FieldDescriptorProto_Label.REPEATED,
    typeName: '.google.rpc.BadRequest.FieldViolation',
  }
  const delay = { ...named('retry_delay', 1), typeName: '.google.protobuf.Duration' }
  const details = create(FileDescriptorProtoSchema, {
    name: 'google/rpc/error_details.proto',
    package: 'google.rpc',
    syntax: 'proto3',
    dependency: ['google/protobuf/duration.proto'],
    messageType: [
      message('ErrorInfo', texts('reason', 'domain')),
      message('BadRequest', [{ ...violations, type: FieldDescriptorProto_Type.MESSAGE }], [violation]),
      message('RequestInfo', texts('request_id')),
      message('RetryInfo', [{ ...delay, type: FieldDescriptorProto_Type.MESSAGE }]),
    ],
  })
  return [details, file_google_protobuf_duration.proto, file_google_protobuf_struct.proto]
}

type FieldInit = ReturnType<typeof named> & { readonly type: FieldDescriptorProto_Type; readonly typeName?: string }

function message(
  name: string,
  field: readonly FieldInit[],
  nestedType: readonly DescriptorProto[] = [],
): DescriptorProto {
  return create(DescriptorProtoSchema, { name, field: [...field], nestedType: [...nestedType] })
}

function texts(...names: readonly string[]): readonly FieldInit[] {
  return names.map((name, index) => ({ ...named(name, index + 1), type: FieldDescriptorProto_Type.STRING }))
}

function named(name: string, number: number) {
  const jsonName = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return { name, jsonName, number, label: FieldDescriptorProto_Label.OPTIONAL as FieldDescriptorProto_Label }
}
