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
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
} from '@bufbuild/protobuf/wkt'
import {
  type EnumShape,
  type FieldShape,
  type FieldType,
  type MessageShape,
  messagesOf,
  type ServiceShape,
} from './message-shape.ts'
import { directionsOf } from './direction.ts'
import { mapEntryName, protoFieldName } from './proto-name.ts'
import { wellKnownTypes } from './well-known.ts'

/** The `.proto` file of a contract and the files of google.protobuf that it imports, as descriptors. */
export function toFiles(service: ServiceShape): readonly FileDescriptorProto[] {
  const file = toFileDescriptor(service)
  const imported = [file_google_protobuf_struct.proto, file_google_protobuf_timestamp.proto]
  return [file, ...imported.filter(({ name }) => file.dependency.includes(name))]
}

/** The `.proto` file of a contract as a descriptor. */
export function toFileDescriptor(service: ServiceShape): FileDescriptorProto {
  const messages = service.methods.flatMap(({ request, response }) => [request, response])
  return create(FileDescriptorProtoSchema, {
    name: `${service.package.replaceAll('.', '/')}/${protoFieldName(service.name)}.proto`,
    package: service.package,
    syntax: 'proto3',
    dependency: [...dependenciesOf(service)],
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
          ...(operation.deprecated ? { options: { deprecated: true } } : {}),
        })),
      },
    ],
  })
}

function dependenciesOf(service: ServiceShape): ReadonlySet<string> {
  const types = messagesOf(service).flatMap(({ fields }) => fields.map(({ type }) => type))
  return new Set(types.flatMap((type) => (type.kind === 'known' ? wellKnownTypes[type.known].file : [])).toSorted())
}

function toDescriptor({ name, fullName, fields, oneof, messages, enums }: MessageShape): DescriptorProto {
  // proto3 marks a field whose absence is seen by a oneof of its own.
  const present = oneof === undefined ? fields.filter(hasOwnPresence) : []
  const toOneof = (field: FieldShape) => (oneof === undefined ? presenceOf(present.indexOf(field)) : { oneofIndex: 0 })
  return create(DescriptorProtoSchema, {
    name,
    field: fields.map((field) => toField(field, fullName, toOneof(field))),
    nestedType: [...messages.map(toDescriptor), ...fields.filter(({ label }) => label === 'map').map(toMapEntry)],
    enumType: enums.map(toEnum),
    oneofDecl: oneof === undefined ? present.map(({ protoName }) => ({ name: `_${protoName}` })) : [{ name: oneof }],
  })
}

/** A message's absence is seen without further ado. */
function hasOwnPresence({ label, type }: FieldShape): boolean {
  const kind = type.kind === 'known' ? wellKnownTypes[type.known].kind : type.kind
  return label === 'optional' && kind !== 'message'
}

interface Presence {
  readonly proto3Optional?: boolean
  readonly oneofIndex?: number
}

function presenceOf(oneofIndex: number): Presence {
  return oneofIndex < 0 ? {} : { proto3Optional: true, oneofIndex }
}

function toField(field: FieldShape, parent: string, presence: Presence): FieldDescriptorProto {
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
    ...presence,
    ...(field.isDeprecated ? { options: { deprecated: true } } : {}),
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
  ubigint: FieldDescriptorProto_Type.UINT64,
  double: FieldDescriptorProto_Type.DOUBLE,
} as const

function toType(type: FieldType): { readonly type: FieldDescriptorProto_Type; readonly typeName?: string } {
  if (type.kind === 'scalar') return { type: scalarTypes[type.scalar] }
  const { kind, fullName } =
    type.kind === 'known' ? wellKnownTypes[type.known] : { kind: type.kind, fullName: type.shape.fullName }
  return {
    type: kind === 'enum' ? FieldDescriptorProto_Type.ENUM : FieldDescriptorProto_Type.MESSAGE,
    typeName: `.${fullName}`,
  }
}

function toEnum({ name, values }: EnumShape): EnumDescriptorProto {
  return create(EnumDescriptorProtoSchema, {
    name,
    value: values.map(({ protoName, number }) => ({ name: protoName, number })),
  })
}
