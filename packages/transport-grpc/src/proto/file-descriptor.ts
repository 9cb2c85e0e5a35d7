import { create } from '@bufbuild/protobuf'
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type EnumDescriptorProto,
  EnumDescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt'
import {
  type EnumShape,
  type FieldShape,
  type FieldType,
  type MessageShape,
  type ServiceShape,
} from './message-shape.ts'
import { directionsOf } from './direction.ts'
import { mapEntryName, protoFieldName } from './proto-name.ts'

/** The `.proto` file of a contract as a descriptor. */
export function toFileDescriptor(service: ServiceShape): FileDescriptorProto {
  const messages = service.methods.flatMap(({ request, response }) => [request, response])
  return create(FileDescriptorProtoSchema, {
    name: `${service.package.replaceAll('.', '/')}/${protoFieldName(service.name)}.proto`,
    package: service.package,
    syntax: 'proto3',
    messageType: messages.map(toDescriptor),
    service: [
      {
        name: service.name,
        method: service.methods.map(({ name, operation, request, response }) => ({
          name,
          inputType: `.${request.fullName}`,
          outputType: `.${response.fullName}`,
          clientStreaming: directionsOf[operation.kind].requestStream,
          serverStreaming: directionsOf[operation.kind].responseStream,
        })),
      },
    ],
  })
}

function toDescriptor({ name, fullName, fields, messages, enums }: MessageShape): DescriptorProto {
  // proto3 marks a field whose absence is seen by a oneof of its own.
  const present = fields.filter(({ label, type }) => label === 'optional' && type.kind !== 'message')
  return create(DescriptorProtoSchema, {
    name,
    field: fields.map((field) => toField(field, fullName, present.indexOf(field))),
    nestedType: [...messages.map(toDescriptor), ...fields.filter(({ label }) => label === 'map').map(toMapEntry)],
    enumType: enums.map(toEnum),
    oneofDecl: present.map(({ protoName }) => ({ name: `_${protoName}` })),
  })
}

function toField(field: FieldShape, parent: string, oneofIndex: number): FieldDescriptorProto {
  const isMap = field.label === 'map'
  const type = isMap
    ? { type: FieldDescriptorProto_Type.MESSAGE, typeName: `.${parent}.${mapEntryName(field.protoName)}` }
    : toType(field.type)
  return create(FieldDescriptorProtoSchema, {
    name: field.protoName,
    jsonName: field.name,
    number: field.number,
    label: field.label === 'optional' ? FieldDescriptorProto_Label.OPTIONAL : FieldDescriptorProto_Label.REPEATED,
    ...type,
    ...(oneofIndex >= 0 ? { proto3Optional: true, oneofIndex } : {}),
  })
}

/** @see Protocol Buffers, maps: on the wire a list of entries with key 1 and value 2 */
function toMapEntry(field: FieldShape): DescriptorProto {
  const label = FieldDescriptorProto_Label.OPTIONAL
  return create(DescriptorProtoSchema, {
    name: mapEntryName(field.protoName),
    options: { mapEntry: true },
    field: [
      { name: 'key', jsonName: 'key', number: 1, label, type: FieldDescriptorProto_Type.STRING },
      { name: 'value', jsonName: 'value', number: 2, label, ...toType(field.type) },
    ],
  })
}

const scalarTypes = {
  string: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
  bool: FieldDescriptorProto_Type.BOOL,
  int32: FieldDescriptorProto_Type.INT32,
  int64: FieldDescriptorProto_Type.INT64,
  bigint: FieldDescriptorProto_Type.INT64,
  double: FieldDescriptorProto_Type.DOUBLE,
} as const

function toType(type: FieldType): { readonly type: FieldDescriptorProto_Type; readonly typeName?: string } {
  if (type.kind === 'scalar') return { type: scalarTypes[type.scalar] }
  const typeName = `.${type.shape.fullName}`
  return { type: type.kind === 'enum' ? FieldDescriptorProto_Type.ENUM : FieldDescriptorProto_Type.MESSAGE, typeName }
}

function toEnum({ name, values }: EnumShape): EnumDescriptorProto {
  return create(EnumDescriptorProtoSchema, {
    name,
    value: values.map(({ protoName, number }) => ({ name: protoName, number })),
  })
}
